wfc run -q -j 2 "$1" 2>&1
