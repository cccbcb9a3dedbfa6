#!/usr/bin/env bash
# Cross-validation from the command line: files, text, events, interruption, evaluation, errors.
. "$(dirname "$0")/common.sh"
for class in 0 1; do
  name=$([ $class = 0 ] && echo top || echo bottom)
  mkdir -p photos/$name
  for ((i = 0; i < 12; ++i)); do bmp photos/$name/$i.bmp $class; done
done
options=(photos --model mlp --size 8 --epochs 3 --batch 4 --lr 0.02 --folds 3 --seed 4)

run 0 train "${options[@]}"
out=runs/photos-mlp-folds
for fold in 1 2 3; do
  for file in args.toml results.csv best.safetensors predictions.csv metrics.json; do is_there $out/fold-$fold/$file; done
  says out "fold $fold of 3"
done
says out "macro_f1"; says out "worst"; says out "run: $out"
for file in args.toml predictions.csv metrics.json folds.json; do is_there $out/$file; done
[ "$(wc -l <$out/predictions.csv)" = 25 ] || fail "rows of predictions.csv"
[ "$(tail -n +2 $out/predictions.csv | cut -d, -f1 | sort -u | wc -l)" = 24 ] || fail "a sample is predicted twice"
for key in '"folds": 3' '"accuracy"' '"mean"' '"std"' '"worst"' '"run": "fold-3"'; do says $out/folds.json "$key"; done
run 0 metrics $out/predictions.csv --json; same out $out/metrics.json

# Repeated from its args.toml; events; one fold alone; evaluated on the part that it has not seen.
run 0 train --config $out/args.toml --json --out again
same $out/predictions.csv again/predictions.csv
says out '{"event":"epoch","fold":2,"epoch":1,'
says out '{"event":"fold","fold":3,"run":"again/fold-3","metrics":{'
tail -1 out >last; says last '{"event":"done","run":"again","metrics":{'; says last '"folds":{"accuracy":{"mean":'
run 0 train "${options[@]}" --fold 2 --out alone
same alone/best.safetensors $out/fold-2/best.safetensors
run 0 eval $out/fold-2 photos --split val --batch 4 --json; same out $out/fold-2/metrics.json
run 2 eval $out/fold-2 photos; says err "no split 'test', expected one of: train, val"

# Ctrl-C, and on.
long=(photos --model cnn --size 8 --epochs 20 --batch 4 --folds 3 --seed 4)
run 0 train "${long[@]}" --quiet --out whole
"$TAXON" train "${long[@]}" --out part >out 2>err &
pid=$!
while [ ! -e part/fold-2/checkpoint.safetensors ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -INT $pid
wait $pid
code=$?
[ $code = 130 ] || fail "interrupted: exit code $code, expected 130"
says err "taxon train --resume part"
run 0 train --resume part
same whole/predictions.csv part/predictions.csv
same whole/folds.json part/folds.json
run 2 train --resume part --epochs 9; says err "--epochs"

# Misuse.
rm photos/top/{4,5,6,7,8,9,10,11}.bmp
run 2 train "${options[@]}" --folds 5 --out none; says err "5 folds, but class 'top' has 4 samples"
run 2 train "${options[@]}" --folds 1 --out none; says err "--folds is 1, expected 2 or more"
run 2 train "${options[@]}" --val-fraction 0.2 --out none; says err "exclude each other"
run 2 train photos --fold 2 --out none; says err "--fold goes with --folds"
[ -e none ] && fail "misuse left a folder"
finish
