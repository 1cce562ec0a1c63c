mkdir -p data/sub; echo a > data/a.txt; echo b > data/sub/b.txt; echo c > data/c.csv
mkdir elsewhere
# Paths start at the project, wherever the command is called.
(cd elsewhere && wfc run -q -j 2 "../$1" 2>&1)
cat made/deep/out.txt; ls -A made/deep
