# timeout: 120
wfc run -q "$1" 2>/dev/null
du -sm .wfc | awk '{ print ($1 < 40) ? "bounded" : "grew to " $1 " MB" }'
