wfc compile --target cluster -o files "$1" >/dev/null
sed -n '/^spec:/,/^  templateDefaults:/p' files/life.yaml
