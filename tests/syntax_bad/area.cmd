# Files with syntax errors: every finding as it is shown, with its fix.
# needs: wfc-parse
wfc-parse "${1##*/}"
