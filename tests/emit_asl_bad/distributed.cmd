wfc compile --target wide "$1" -o out
