# What Airflow cannot keep is refused at its line, and nothing is written.
wfc compile --target airflow "$1" -o out && exit 9
test ! -e out
