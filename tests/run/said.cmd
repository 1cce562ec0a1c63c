# The shape of what the listings print, with what differs from run to run taken out.
tidy() { sed -E 's/"(run|id)":"[^"]*"/"\1":"RUN"/g; s/"(started|ended|time|created)":[0-9]+/"\1":0/g; s/[0-9]{8}-[0-9]{6}-[0-9a-z]{4}/RUN/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}/DATE/g'; }
echo "--- follow"
wfc run -j 1 --follow "$1" 2>&1 >/dev/null | cat -v | tidy
echo "--- logs"
wfc logs last | cat -v
echo "--- of one call, one attempt"
wfc logs last/twice --attempt 2
wfc logs last/twice --attempt 3 || echo "exit $?"
wfc logs last/nobody || echo "exit $?"
echo "--- JSON"
wfc logs last/unicode --json | tidy
wfc logs last/bytes --json | tidy
echo "--- runs"
wfc runs --json | tidy
wfc runs | tidy | sed -E 's/ +[0-9.]+m?s$/ TIME/'
wfc runs last --json | tidy
echo "--- artifacts"
wfc artifacts --json | tidy
wfc artifacts last/f -o copy.txt; cat copy.txt
wfc artifacts last/f.out -o copy.txt
wfc artifacts last/twice -o copy.txt || echo "exit $?"
echo "--- copies"
wfc run -q "$1" -o got >/dev/null 2>&1
ls got; cat got/*
wfc logs last/f --attempt no 2>&1 | head -n 1
