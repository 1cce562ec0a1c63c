# Runs through the command line: constructs, failures, bad input. What a run returns is on stdout, the rest on stderr.
# normalise: time run
# timeout: 120
wfc run -q -j 1 "$1" 2>&1
