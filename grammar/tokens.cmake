# Puts the %token declarations of tokens.def into parser.y, on the line of its marker so that line numbers stay.
#   cmake -DTOKENS=tokens.def -DGRAMMAR=parser.y -DOUT=parser.y -P tokens.cmake
cmake_minimum_required(VERSION 3.25)
file(READ ${TOKENS} rows)
file(READ ${GRAMMAR} grammar)
string(FIND "${rows}" "\nTOKEN(" start)
string(SUBSTRING "${rows}" ${start} -1 rows)
string(REGEX REPLACE "\nTOKEN\\(([A-Z]+), (\"[^\"]*\")[^\n]*" "\\1 \\2 " rows "${rows}")
string(STRIP "${rows}" rows)
string(REPLACE "/* TOKENS */" "%token ${rows}" grammar "${grammar}")
file(WRITE ${OUT} "${grammar}")
