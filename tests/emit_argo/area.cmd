# What is written for Argo Workflows, without the shim, which is the same for all.
wfc compile --target argo -o files "$1" >/dev/null
rm files/wf-shim.yaml
cat files/*
