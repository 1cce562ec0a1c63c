wfc compile --target cluster -o files "$1" >/dev/null
cat files/settings.yaml
