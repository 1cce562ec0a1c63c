# normalise: time run
export WFC_SECRET_KEY="first 'line'
second \"line\" of the key"
wfc run -j 1 --follow "$1" 2>&1 | sed 's/^/  /'
echo "== nothing of it is kept"
if grep -rlE "first .line|second .?.line" .wfc; then echo FOUND; fi
wfc runs last --json | grep -c "second" || true
