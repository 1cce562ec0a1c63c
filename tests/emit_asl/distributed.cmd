wfc compile --target wide "$1" -o out >/dev/null
rm out/wf_shim.*
for file in out/*; do
    echo "== ${file#out/}"
    cat "$file"
done
