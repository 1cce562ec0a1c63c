WFC_SECRET_API_TOKEN=hunter2secret wfc run -q "$1" 2>&1
wfc logs last
grep -r hunter2secret .wfc && echo LEAKED || echo "not stored"
wfc run -q "$1" 2>&1 || true
