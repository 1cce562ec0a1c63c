wfc run -q "$1" -p n=3 -p mode=slow -p wait=1h30m -p xs='[1, 2.5]' -p note="a b" 2>/dev/null
echo '{"n": 4, "xs": [1], "wait": "5s"}' > p.json
wfc run -q "$1" --params p.json 2>/dev/null
printf 'n: 5\nmode: slow\nnote: "yes"\n' > p.yaml
wfc run -q "$1" --params p.yaml -p n=6 2>/dev/null
wfc run -q "$1" 2>&1 || echo "exit $?"
wfc run -q "$1" -p n=many 2>&1 || echo "exit $?"
wfc run -q "$1" -p n=1 -p mod=slow 2>&1 || echo "exit $?"
wfc run -q "$1" -p n=1 -p mode=quick 2>&1 || echo "exit $?"
wfc run -q "$1" -p n 2>&1 || echo "exit $?"
wfc run -q "$1" --params nowhere.json 2>&1 || echo "exit $?"
wfc run -q --dry-run "$1" -p n=1
wfc run -q "$1" -p n=1 -p xs=0.1,0.2 2>&1 || echo "exit $?"
wfc run -q "$1" -p n=1 -p 'xs=[0.1, x]' 2>&1 || echo "exit $?"
