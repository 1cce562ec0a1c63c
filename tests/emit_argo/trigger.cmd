wfc compile --target argo -o files "$1" >/dev/null
sed -n '/^kind: "WorkflowEventBinding"/,/^---/p' files/trigger.yaml
