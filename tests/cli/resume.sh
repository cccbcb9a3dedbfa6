#!/usr/bin/env bash
# Ctrl-C leaves a run that --resume finishes with the weights of a run that was never interrupted.
. "$(dirname "$0")/common.sh"
pictures photos 20
options=(photos --model cnn --size 8 --epochs 30 --batch 4 --ema 0.9 --seed 5)
run 0 train "${options[@]}" --out whole

interrupted=0
for delay in 0.05 0.15 0.4; do
  rm -rf part
  "$TAXON" train "${options[@]}" --out part >out 2>err &
  pid=$!
  while [ ! -e part/checkpoint.safetensors ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
  sleep $delay
  kill -INT $pid
  wait $pid
  code=$?
  if [ $code = 130 ]; then
    interrupted=$((interrupted + 1))
    says err "taxon train --resume part"
  elif [ $code != 0 ]; then
    fail "interrupted: exit code $code, expected 130"
  fi
  run 0 train --resume part --threads 1
  for file in best last; do same whole/$file.safetensors part/$file.safetensors; done
  same whole/predictions.csv part/predictions.csv
  cut -d, -f1,3- whole/results.csv >a
  cut -d, -f1,3- part/results.csv >b
  same a b
done
[ $interrupted -gt 0 ] || fail "no run was still going on when it was interrupted"

run 0 train --resume part  # a finished run: tested again
same whole/predictions.csv part/predictions.csv
run 2 train --resume part --epochs 9; says err "--epochs"
bmp photos/train/top/0.bmp 0
rm photos/train/top/1.bmp
run 3 train --resume part; says err "other data"
finish
