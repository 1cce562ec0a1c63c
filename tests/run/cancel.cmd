until_there() { for _ in $(seq 300); do [ -e "$1" ] && return; sleep 0.1; done; echo "$1 did not appear"; }
status() { wfc runs --json | sed 's/},{/}\n{/g' | sed -n 1p | sed 's/.*"status":"\([a-z]*\)".*"message":\(.*\)}.*/\1 \2/'; }

echo "--- once"
wfc run -q -j 2 "$1" -w cancel -p "flags=$PWD" > said 2>&1 & pid=$!
until_there a.started; until_there b.started
kill -INT $pid
wait $pid && echo "exit 0" || echo "exit $?"
cat said; ls ./*.term; cat notes; status
wfc runs last | sed 's/  */ /g' | sort
grep -q '^State:[[:space:]]*[A-Y]' "/proc/$(cat a.started)/status" 2>/dev/null && echo "a process was left" || echo "nothing is left"
find .wfc/tmp -mindepth 1

echo "--- twice"
rm notes
wfc run -q -j 2 "$1" -w kill_it -p "flags=$PWD" > said 2>&1 & pid=$!
until_there stubborn.started
kill -INT $pid; sleep 0.3; kill -INT $pid
wait $pid && echo "exit 0" || echo "exit $?"
cat said; ls notes 2>&1 || true; status

echo "--- the engine is killed"
rm ./*.started
wfc run -q -j 2 "$1" -w cancel -p "flags=$PWD" > said 2>&1 & pid=$!
until_there a.started; until_there b.started
kill -KILL $pid
wait $pid 2>/dev/null && echo "exit 0" || echo "exit $?"
status
wfc runs last | sed 's/  */ /g' | sort
wfc run -q "$1" -w after -p "flags=$PWD" 2>&1
cat notes; wfc runs | awk '{ print $2, $3 }'; find .wfc/tmp -mindepth 1
# Their parents were killed with the engine, these were not.
kill "$(cat a.started)" "$(cat b.started)"
