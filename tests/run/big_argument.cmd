prlimit --stack=8388608 wfc run -q -j 1 "$1" 2>&1
