# normalise: time run
export WFC_SECRET_KEY="first 'line'
second \"line\" of the key"
wfc run --follow "$1" 2>&1 | sed 's/^/  /'
echo "== nothing of it is kept"
grep -rlE "first 'line'|second .?.line" .wfc && echo FOUND || true
wfc runs last --json | grep -c "second" || true
