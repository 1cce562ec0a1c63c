# Programs without findings; each has a flow graph that is sound.
wfc check --deny-warnings "$1"
wfc dump "$1" > graph
