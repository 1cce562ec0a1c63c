# The DAG that each workflow becomes, and its pools; what is the same for all stands in compiler/backend/airflow/wf_*.py.
wfc compile --target airflow "$1" -o out >/dev/null
rm out/wf_shim.py out/wf_airflow.py out/wf_operator.py out/wf_shim.js 2>/dev/null || :
tail -n +1 out/*
