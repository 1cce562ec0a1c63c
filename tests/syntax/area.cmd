# The trees of correct files.
# needs: wfc-parse
wfc-parse "${1##*/}"
