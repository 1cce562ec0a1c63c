# A file where the store should be: works for root too, unlike permissions.
echo x > .wfc
wfc run -q "$1" 2>&1 || echo "exit $?"
wfc runs 2>&1 || echo "exit $?"
wfc run -q "$1" --store /proc/nowhere 2>&1 || echo "exit $?"
