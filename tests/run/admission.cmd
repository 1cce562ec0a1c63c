wfc run -q -j 8 "$1" -p "marks=$PWD/marks" 2>&1
# With as many slots, what is not bound by anything does run together.
awk '{ now[$1] += $2; if (now[$1] > most[$1]) most[$1] = now[$1] }
     END { print "cpu", most["cpu"], "pool", most["pool"], "parallel", most["parallel"], "free", (most["free"] > 2) ? "more" : "few" }' marks
