# What `make install` and `make uninstall` do, from the build under test.
# needs: wfc cmake
# timeout: 120
false
