#!/usr/bin/env bash
# Training by two processes: the run of one, mistakes, a process that dies, and going on.
. "$(dirname "$0")/../cli/common.sh"
export TAXON_THREADS=1
together() { "$MPIEXEC" -np 2 "$TAXON" "$@"; }
pictures photos 24
options=(photos --model resnet8 --size 8 --batch 8 --seed 3)

run 0 train "${options[@]}" --epochs 4 --out one
together train "${options[@]}" --epochs 4 --sync-norm --out two >out 2>err || fail "two processes: $(cat err)"
says out "2 processes train together"
for file in args.toml results.csv predictions.csv metrics.json report.html best.safetensors; do is_there two/$file; done
[ "$(ls -d two*)" = two ] || fail "more than one folder: $(ls -d two*)"
# Losses of the epochs, the third column: alike up to rounding.
paste -d, <(cut -d, -f3 one/results.csv) <(cut -d, -f3 two/results.csv) | awk -F, '
  NR > 1 && ($1 - $2) ^ 2 > 0.0004 * (1 + $1) ^ 2 { print "epoch " NR - 1 ": " $1 " and " $2; bad = 1 }
  END { exit bad }' >differences || fail "losses differ: $(cat differences)"
together train "${options[@]}" --epochs 4 --sync-norm --quiet --out again >out 2>err || fail "again: $(cat err)"
same two/last.safetensors again/last.safetensors
together train "${options[@]}" --epochs 2 --ema 0.9 --quiet --out local >out 2>err || fail "local norms: $(cat err)"

# What is wrong is told once, and ends all.
together train photos --model resnet8 --lr nonsense >out 2>err && fail "a wrong option was taken"
[ "$(grep -c nonsense err)" = 1 ] || fail "told $(grep -c nonsense err) times: $(cat err)"
together train photos --model resnet8 --size 8 --batch 3 >out 2>err && fail "batches of 3 were taken"
says err "2 processes for batches of 3 samples"
together train "${options[@]}" --folds 2 >out 2>err && fail "folds were taken"
says err "--folds runs in one process"

# A process that is killed ends the job, and the run goes on from its last epoch.
together train "${options[@]}" --epochs 400 --out part >out 2>err &
job=$!
while [ ! -e part/results.csv ] && kill -0 $job 2>/dev/null; do sleep 0.05; done
victim=$(pgrep -f "$TAXON train photos .* --epochs 400 --out part" | tail -n 1)
kill -KILL "$victim"
begin=$SECONDS
wait $job && fail "the job ended well without one of its processes"
[ $((SECONDS - begin)) -le 30 ] || fail "the job took $((SECONDS - begin)) s to end"
before=$(wc -l <part/results.csv)
together train --resume part >out 2>err &
job=$!
while [ "$(wc -l <part/results.csv)" -le "$before" ] && kill -0 $job 2>/dev/null; do sleep 0.05; done
[ "$(wc -l <part/results.csv)" -gt "$before" ] || fail "the run did not go on: $(cat err)"
pkill -INT -f "$TAXON train --resume part"
wait $job
finish
