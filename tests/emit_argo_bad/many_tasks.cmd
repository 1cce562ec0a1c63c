# A DAG of the CustomResourceDefinitions has up to 200 tasks.
{
    sed -n 1,4p "$1"
    echo 'workflow w() {'
    for i in $(seq 201); do echo "  f($i)"; done
    echo '}'
} >many.wf
wfc compile --target argo -o files many.wf
