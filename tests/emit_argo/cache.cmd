# The first part of a key tells the step's code apart.
wfc compile --target argo -o files "$1" >/dev/null
sed -n '/memoize:/,/^    container:/s/key: "[0-9a-f]*/key: "CODE/; /memoize:/,/cache:/p' files/cache.yaml
