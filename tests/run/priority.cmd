wfc run -q -j 1 -w priority "$1" 2>/dev/null
wfc logs last | sed 's/.* | //'
