wfc run -q "$1" --run-id nightly-1 2>&1
wfc run -q "$1" --run-id nightly-1 2>&1 || echo "exit $?"
wfc run -q "$1" --run-id 'no/such id' 2>&1 || echo "exit $?"
wfc run -q "$1" --run-id nightly-2 2>&1
wfc runs nightly-1 | awk '{ print $1, $3 }'
wfc runs nightly 2>&1 || echo "exit $?"
wfc runs other 2>&1 || echo "exit $?"
wfc runs | awk '{ print $1, $3 }'
