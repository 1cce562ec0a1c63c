# Programs without processes, as native code and evaluated: both must print the same.
# needs: wfc
# normalise: time run
# timeout: 120
status=0
wfc run -q --jit=always "$1" > native.txt 2>&1 || status=$?
wfc run -q --jit=never "$1" > evaluated.txt 2>&1 || [ $? -eq "$status" ] || echo "evaluated, the exit code is another than $status"
sed -i 's/[0-9]\{8\}-[0-9]\{6\}-[0-9a-z]*/RUN/; s/ in [0-9.]*[a-z]*:/:/' native.txt evaluated.txt
diff evaluated.txt native.txt
cat native.txt
exit "$status"
