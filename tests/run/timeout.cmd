wfc run -q "$1" 2>&1
sleep 0.2
pgrep -f 'sleep 30$' >/dev/null && echo "a child was left" || echo "no child is left"
