# The examples, run on their data in a copy. Each case has a command of its own, which prints what can be known for certain.
# needs: wfc
# timeout: 900
false
