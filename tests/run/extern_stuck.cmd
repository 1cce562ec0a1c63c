# needs: gcc
cat > stuck.c <<'C'
#include <stdio.h>
#include <unistd.h>
int forever(void) { fclose(fopen("started", "w")); for (;;) pause(); }
C
gcc -shared -fPIC -o stuck.so stuck.c
wfc run -q "$1" > said 2>&1 & pid=$!
for _ in $(seq 300); do [ -e started ] && break; sleep 0.1; done
# Two interrupts cannot stop a function in the engine's own process, the third ends it.
for _ in 1 2 3; do kill -INT $pid; sleep 0.2; done
wait $pid && echo "exit 0" || echo "exit $?"
cat said
wfc runs | awk '{ print $2, $3, $NF }'
