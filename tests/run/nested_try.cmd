wfc run -q -j 1 -w nested_try "$1" 2>&1
wfc run -q -j 1 -w bad_handlers "$1" 2>&1 || true
wfc runs last | sed 's/  */ /g' | sort
