# The code is printed, the same in every run, and nothing is run.
wfc run --dump-llvm "$1" > a.ll
wfc run --dump-llvm "$1" > b.ll
cmp a.ll b.ll
grep -c '^define .*@wf_0(' a.ll
grep -c 'rt_list' a.ll || echo "no list is made"
test ! -e .wfc
wfc run -q --jit=sometimes "$1"
