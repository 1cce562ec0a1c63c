wfc compile --target stepfunctions --strict "$1" -o out
