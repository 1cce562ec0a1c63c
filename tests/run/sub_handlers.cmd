wfc run -q -j 1 -w sub_handlers "$1" 2>/dev/null
wfc logs last
