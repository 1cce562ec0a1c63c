wfc run -q "$1:double" -p n=21 2>&1
wfc run -q "$1:triple" -p n=21 2>&1 || echo "exit $?"
wfc run -q "$1" 2>&1 || echo "exit $?"
wfc run -q --dry-run "$1:double" -p n=21 2>&1
