wfc run -q -j 1 "$1" 2>/dev/null
wfc logs last
