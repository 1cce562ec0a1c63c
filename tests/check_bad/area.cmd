# Programs with mistakes: every finding as it is shown, with its fix.
wfc check "$1"
