#!/usr/bin/env bash
# taxon report, and the reports that train and eval make by themselves.
. "$(dirname "$0")/common.sh"

pictures photos 8
run 0 train photos --model mlp --epochs 2 --batch 8 --out runs/a
says out "report: runs/a/report.html"
for file in report.html embedding.csv environment.json; do is_there runs/a/$file; done
says runs/a/environment.json '"data fingerprint"'
says runs/a/environment.json '"processor"'
head -n 1 runs/a/embedding.csv | grep -qx 'id,x,y' || fail "the head of embedding.csv"
[ "$(wc -l <runs/a/embedding.csv)" = "$(wc -l <runs/a/predictions.csv)" ] || fail "rows of embedding.csv"
run 0 train photos --model mlp --epochs 1 --batch 8 --seed 2 --out runs/b --json
says out '"report":"runs/b/report.html"'

# Made again from the files it is the same but for nothing.
cp runs/a/report.html before.html
run 0 report runs/a; says out "16 samples, 16 to look at, 16 with a picture"
same runs/a/report.html before.html
run 0 report runs/a runs/b --out ab.html; says out "report: ab.html"; is_there ab.html

run 0 eval runs/a photos --split val --out measured; says out "report: measured/report.html"
run 0 report measured; says out "16 with a picture"
run 0 eval runs/a photos --out measured --json
grep -q '^report:' out && fail "text among the JSON"

# Data that are gone or have changed; files of somebody else.
mv photos elsewhere
run 0 report runs/a; says err "no pictures"; says out "0 with a picture"
mkdir data; mv elsewhere data/photos
bmp data/photos/test/top/new.bmp 0
run 0 report runs/a --data-dir data; says err "note"
printf 'true,predicted\ncat,cat\ndog,cat\n' >theirs.csv
run 0 report theirs.csv --out theirs.html; says out "2 samples"
run 2 report runs/a theirs.csv; says err "no sample in common"
run 4 report runs; says err "predictions.csv"
printf 'true\ncat\n' >theirs.csv
run 3 report theirs.csv; says err theirs.csv

# A report that cannot be made fails nothing.
mkdir -p blocked/report.html/x
run 0 eval runs/a data/photos --out blocked; says err "note: no report"
finish
