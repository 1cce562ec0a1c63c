wfc compile --target argo -o files "$1" >/dev/null
sed -n '/^  templateDefaults:/,/^---/p' files/w.yaml | grep -E '^  - name: |image:|command:|initContainers'
