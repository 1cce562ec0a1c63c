# A parameter is given the name of a secret; who gives the secret itself does not see it again.
export WFC_SECRET_API_TOKEN=hunter2
wfc run -q -p key=api_token "$1"
wfc run -q -p key="hunter 2!" "$1" 2>&1 || true
echo '{"key": "../hunter2"}' >params.json
wfc run -q --params params.json "$1" 2>&1 || true
echo '{"key": {"secret": "HUNTER2"}}' >params.json
wfc run -q --params params.json "$1" 2>&1
