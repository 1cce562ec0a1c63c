# Workflows that Argo Workflows cannot keep the meaning of.
wfc compile --target argo -o files "$1"
