#!/usr/bin/env bash
# Bad input: an error that names the file, what was found and what was expected; never a crash.
. "$(dirname "$0")/common.sh"
pictures photos 4
small=(--model mlp --size 8 --epochs 1 --batch 4 --quiet)
run 0 train photos "${small[@]}" --out good

# Data.
run 4 train nowhere/ "${small[@]}"; says err nowhere
run 2 train fashion-mnits "${small[@]}"; says err "did you mean 'fashion-mnist'"
cp -r photos broken; echo junk >broken/train/top/0.bmp
run 3 train broken "${small[@]}"; says err broken/train/top/0.bmp
printf 'filename,label,split\nphotos/train/top/0.bmp,top,tarin\n' >split.csv
run 3 train split.csv "${small[@]}"; says err split.csv; says err tarin
printf 'filename,label\nphotos/train/top/0.bmp,top\nphotos/nothing.bmp,top\n' >missing.csv
"$TAXON" train missing.csv "${small[@]}" >out 2>err; code=$?
[ $code = 3 ] || [ $code = 4 ] || fail "a missing file in a manifest: exit code $code"
says err nothing.bmp
mkdir -p idx/mnist
printf 'not an IDX file at all' >idx/mnist/train-images-idx3-ubyte
for name in train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte; do
  printf '\x00\x00\x08\x01\x00\x00\x00\x02\x01' >idx/mnist/$name
done
run 3 train mnist --data-dir idx "${small[@]}"; says err idx/mnist/

# Model files.
head -c 3000 good/best.safetensors >short.safetensors
run 3 eval short.safetensors photos; says err short.safetensors
printf '\xff\xff\xff\xff\xff\xff\xff\x7f{}' >lying.safetensors
run 3 info lying.safetensors; says err lying.safetensors
: >empty.safetensors
run 3 predict empty.safetensors photos/test/top/0.bmp; says err empty.safetensors
run 3 info photos/test/top/0.bmp
run 4 info missing.safetensors; says err missing.safetensors
run 2 train photos --model resnet81; says err "did you mean"
run 3 metrics photos/test/top/0.bmp; says err photos/test/top/0.bmp
cp -r good torn; head -c 500 good/checkpoint.safetensors >torn/checkpoint.safetensors
run 3 train --resume torn; says err torn/checkpoint.safetensors

# The loss stops being a number: named step, last good model kept.
run 5 train photos --model mlp --size 8 --epochs 3 --batch 4 --lr 1e8 --schedule constant --out nan
says err "stopped at step"
says err "epoch"
says err "the last good model is nan/last.safetensors"; says err "try --lr 1e+07, --clip-norm 1, --warmup 1 or --lr auto"
run 0 info nan --verify; says out verified

# No room: the old files stay whole, nothing half-written stays.
cp -r good full
(ulimit -f 8; "$TAXON" train --config good/args.toml --out full2 >out 2>err; echo $? >code)
[ "$(cat code)" = 4 ] || { fail "disk full: exit code $(cat code), expected 4"; cat err >&2; }
says err full2/
[ -z "$(find full2 -name '*.safetensors*' -size -9)" ] || fail "half-written files: $(ls full2)"
if [ -w /dev/full ]; then
  "$TAXON" --version >/dev/full 2>err; code=$?
  [ $code = 4 ] || fail "a full stdout: exit code $code, expected 4"
fi
if [ "$(id -u)" != 0 ]; then
  mkdir closed; chmod a-w closed
  run 4 train photos "${small[@]}" --out closed/run; says err closed
fi
finish
