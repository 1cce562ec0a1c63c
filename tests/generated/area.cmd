# Generated files, small; the benchmarks use them large.
# needs: wfc
# timeout: 120
false
