# An artifact that is named is listed alone, and what names none is told.
wfc run -q "$1" > /dev/null 2>&1
for name in last/whole last/parts.a last/parts last/none 4355a46b19d3 4355 ffff; do
    echo "== $name"
    wfc artifacts "$name" 2>&1 || echo "exit $?"
done
