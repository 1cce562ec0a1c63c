wfc run -q "$1" >/dev/null 2>&1 || echo "exit $?"
wfc step -q "$1" last/r 2>&1 || echo "exit $?"
wfc step -q "$1" last/r --set n=9 2>&1
sed -i 's/-gt 5/-gt 0/' "$1"
wfc step -q "$1" last/r 2>&1
wfc runs --json | grep -c '"run"'
