wfc run -j 1 "$1" 2>&1
