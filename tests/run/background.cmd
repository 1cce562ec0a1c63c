from=$(date +%s)
wfc run -q "$1" -p "flags=$PWD" 2>&1
[ $(($(date +%s) - from)) -lt 4 ] && echo "soon" || echo "waited for the child"
grep -q '^State:[[:space:]]*[A-Y]' "/proc/$(cat pid)/status" 2>/dev/null && echo "the child was left" || echo "the child was ended"
kill "$(cat escaped)"
