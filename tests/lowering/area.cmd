# Expressions as a local run evaluates them, and as Python over the shim: both must give the same value.
# needs: wfc
python3 "$ROOT"/tests/lowering/compare.py "$1"
