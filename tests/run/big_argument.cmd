# shellcheck disable=SC3045 # dash has it
ulimit -s 8192
wfc run -q -j 1 "$1" 2>&1
