# What `wfc compile` says and writes, whatever the target.
wfc compile "$1" || echo "exit $?"
wfc compile --target argp "$1" || echo "exit $?"
wfc compile --target kubernetes "$1" || echo "exit $?"
wfc compile --target stepfunctions "$1" || echo "exit $?"
wfc compile --target airflow "$1" || echo "exit $?"
wfc compile --target argo -w v "$1" -o out || echo "exit $?"
wfc compile --target argo missing.wf -o out || echo "exit $?"
echo "== the file's block is taken, and the files are named"
wfc compile --target argo "$1" -o out
grep -c 'namespace: "ml"' out/w.yaml
wfc compile --target prod "$1" -o out
grep -o '"b"' out/w.asl.json | sort -u
echo "== where lines come from"
wfc compile --target airflow --source-map "$1" -o out
python3 - <<'END'
import json
m = json.load(open("out/w.py.map"))
lines = open("out/w.py").read().splitlines()
for row in m["mappings"]:
    print(row["source"], "%d:%d" % (row["source_line"], row["source_column"]), "<-", lines[row["line"] - 1][:60])
END
echo "== an error writes nothing, and a file that cannot be written leaves the old one whole"
cp out/w.py before.py
sed 's/^workflow/@fail_fast\n&/' "$1" >bad.wf
wfc compile --target airflow bad.wf -o out || echo "exit $?"
cmp before.py out/w.py
mkdir -p blocked/w.py
wfc compile --target airflow "$1" -o blocked 2>&1 || echo "exit $?"
