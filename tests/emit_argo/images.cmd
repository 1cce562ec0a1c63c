# The lines of each template that tell which image runs which Python, and of the last target which brings it.
for target in cluster bare one; do
    echo "== $target"
    wfc compile --target $target -o $target -w w "$1" >/dev/null
    sed -n '/^  templates:/,/^---/p' $target/w.yaml | grep -E '^  - name: |image:|command:|initContainers|volumes|volumeMounts|LD_PRELOAD'
done
