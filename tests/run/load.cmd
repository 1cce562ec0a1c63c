# needs: python
wfc run -q "$1" 2>&1
