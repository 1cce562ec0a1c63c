wfc run -q -w timeout_total "$1" 2>/dev/null
