wfc compile --target t -o files "$1"
