# The lines of each template that tell which image runs which Python.
for target in cluster bare; do
    echo "== $target"
    wfc compile --target $target -o $target -w w "$1" >/dev/null
    sed -n '/^  templates:/,/^---/p' $target/w.yaml | grep -E '^  - name: |image:|command:|initContainers|volumes|volumeMounts|LD_PRELOAD'
done
