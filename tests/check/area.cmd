# Programs without findings.
wfc check --deny-warnings "$1"
