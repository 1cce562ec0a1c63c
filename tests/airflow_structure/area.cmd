# The DAG as Airflow itself has understood it: tasks, what follows them, trigger rules, policies. The same in all versions.
# needs: airflow
# timeout: 180
wfc compile --target airflow "$1" -o out >/dev/null
for version in 3 3.2 3.1 2; do
    "$ROOT"/build/engines/airflow$version/bin/python "$ROOT"/tests/engines/airflow/structure.py out >"$version.txt"
    cmp $version.txt 3.txt
done
cat 3.txt
