wfc compile --target stepfunctions "$1" -o out
