# needs: python3
export PIP_NO_INDEX=1
wfc run -q -w missing_tools "$1" 2>&1
# A PATH without the interpreter.
mkdir none; here=$(command -v wfc)
PATH="$PWD/none" "$here" run -q -w no_node "$1" 2>&1 || echo "exit $?"
