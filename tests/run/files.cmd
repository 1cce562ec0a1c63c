wfc run -q "$1" -o got 2>/dev/null | grep -v '^table'
ls got
cat got/table.csv
wfc artifacts last | sed 's/^[0-9a-f]*//; s|[0-9-]*[0-9a-z-]*/|RUN/|' | sort
