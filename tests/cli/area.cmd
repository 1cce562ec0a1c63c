# Verbs that run no step: what they print, and their exit codes. Each case has a command of its own.
# needs: wfc
false
