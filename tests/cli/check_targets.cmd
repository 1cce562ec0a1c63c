# What each engine could not keep, one a line and as text.
wfc check --format line --target all "$1" || echo "exit $?"
echo "== one target, with the others as they are"
wfc check --target stepfunctions --deny-warnings "$1" || echo "exit $?"
wfc check --target stepfunction "$1" || echo "exit $?"
echo "== without a target there is nothing to say"
wfc check "$1"
wfc check --format json --target argo "$1" | python3 -c 'import json, sys; print([d["code"] for d in json.load(sys.stdin)["diagnostics"]])'
