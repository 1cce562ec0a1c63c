wfc compile --target cluster -o files "$1" >/dev/null
sed -n '1,/templateDefaults:/p; /^kind: "CronWorkflow"/,/^---/p' files/life.yaml
