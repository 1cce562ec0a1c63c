# normalise: time run
wfc run -q -w w "$1" || echo "exit $?"
wfc run -q -w w "$1" --param n=7 || echo "exit $?"
wfc run -q -w w "$1" --param n=11 --param code=abc || echo "exit $?"
wfc run -q "$1":f --param n=6 --param s=ab || echo "exit $?"
