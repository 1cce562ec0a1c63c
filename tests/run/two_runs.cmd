# One engine writes to a store at a time; readers may look, and another store is free.
wfc run -q -w slow_run "$1" -p "flags=$PWD" > said 2>&1 & pid=$!
for _ in $(seq 300); do [ -e started ] && break; sleep 0.1; done
wfc run -q -w quick_run "$1" 2>&1 | sed 's/process [0-9]*/process N/' || true
wfc run -q -w quick_run "$1" --store other 2>&1
wfc runs | awk '{ print $2, $3 }'
wfc runs last | awk '{ print $1, $3 }'
# Readers all the while, who must not get in the way.
(for _ in $(seq 40); do wfc runs > /dev/null || echo "cannot read"; done) & readers=$!
touch go
wait $pid; cat said
for _ in 1 2 3; do wfc run -q -w quick_run "$1" 2>&1; done
wait $readers
wfc runs | awk '{ print $2, $3 }'
