#!/usr/bin/env bash
# What people try: a clear error, or the right thing.
. "$(dirname "$0")/common.sh"
pictures photos 6
small=(--model mlp --size 8 --epochs 1 --batch 4)

# Mixing samples with a loss for hard labels.
run 2 train photos "${small[@]}" --mixup 0.2 --loss asl --out none
says err "--mixup makes targets that are shares of classes, which --loss asl does not take"

# What needs a val split, without one; thresholds fall back to 0.5, and it is said.
cp -r photos noval; rm -r noval/val
for option in "--patience 2" "--target 0.9" "--best macro_f1" "--thresholds f1"; do
  run 2 train noval "${small[@]}" $option --out none; says err "${option%% *}"
  says err "needs a val split, which noval lacks: hold out a part of train with --val-fraction"
done
{ echo "filename,labels,split"
  for split in train test; do for i in 0 1 2 3 4 5; do
    echo "photos/$split/top/$i.bmp,top|bright,$split"; echo "photos/$split/bottom/$i.bmp,bottom,$split"
  done; done; } >noval.csv
run 0 train noval.csv "${small[@]}" --out half; says out "no val split: every label counts from a probability of 0.5"
says half/metrics.json '"threshold": 0.5'

# A class without training images is named.
cp -r photos untrained; rm untrained/train/top/*; echo note >untrained/train/top/readme.txt
run 3 train untrained "${small[@]}" --out none; says err "untrained/train/top: empty class folder: 1 files"
rm -r untrained/train/top
run 3 train untrained "${small[@]}" --out none; says err "class 'top' is missing in $PWD/untrained/train"
{ echo "filename,label,split"; echo "photos/train/top/0.bmp,top,train"; echo "photos/test/bottom/0.bmp,bottom,test"; } >untrained.csv
run 3 train untrained.csv "${small[@]}" --out none; says err "class 'bottom' has 1 samples in test and none in train"
{ echo "filename,top,rare,split"; for i in 0 1 2 3; do echo "photos/train/top/$i.bmp,1,0,train"; done; echo "photos/test/top/0.bmp,1,1,test"; } >rare.csv
run 0 train rare.csv "${small[@]}" --out rare; says out "no train sample of 1 class: rare"
[ -e none ] && fail "misuse left a folder"

# grey FILE WIDTH HEIGHT VALUE / colour: BMPs of one colour, 8 bits with a palette or 24 bits.
plain() {
  local row=$((($2 * 3 + 3) / 4 * 4)) y x text
  text="BM$(bytes4 $((54 + row * $3)))$(bytes4 0)$(bytes4 54)$(bytes4 40)$(bytes4 $2)$(bytes4 $3)"
  text+="\\x01\\x00\\x18\\x00$(bytes4 0)$(bytes4 $((row * $3)))$(bytes4 2835)$(bytes4 2835)$(bytes4 0)$(bytes4 0)"
  for ((y = 0; y < $3; ++y)); do
    for ((x = 0; x < row; ++x)); do text+=$4; done
  done
  printf "$text" >"$1"
}
# grey_png FILE VALUE: a grey picture of 1x1 pixels (stored, so that nothing need be compressed).
if command -v python3 >/dev/null; then
  grey_png() {
    python3 - "$1" "$2" "$3" <<'PY'
import struct, sys, zlib
name, value, side = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
rows = b"".join(b"\0" + bytes([value]) * side for _ in range(side))
open(name, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) +
                       chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
PY
  }
  # Grey folders train a network of one channel, which takes colours too; mixed ones train one of three.
  for split in train val test; do for class in dark light; do
    mkdir -p "grey/$split/$class" "mixed/$split/$class"
    for i in 0 1 2 3; do
      grey_png grey/$split/$class/$i.png $([ $class = dark ] && echo $((20 + i)) || echo $((200 + i))) 9
      cp grey/$split/$class/$i.png mixed/$split/$class/
    done
    plain mixed/$split/$class/colour.bmp 7 5 $([ $class = dark ] && echo '\x20' || echo '\xd0')
  done; done
  run 0 train grey --model resnet8 --size 8 --epochs 1 --batch 4 --out grey1; says out "input 8x8x1"
  run 0 predict grey1 mixed/test/dark/colour.bmp grey/test/light/0.png; [ "$(wc -l <out)" = 2 ] || fail "grey and colour"
  run 0 train mixed --model resnet8 --size 8 --epochs 1 --batch 4 --out mixed1; says out "input 8x8x3"
  run 0 predict mixed1 mixed/test/dark/colour.bmp grey/test/light/0.png; [ "$(wc -l <out)" = 2 ] || fail "mixed channels"
fi

# Images of many sizes, of one pixel too, with every augmentation and resizing.
for split in train val test; do
  for class in dark light; do
    mkdir -p sizes/$split/$class dots/$split/$class
    value=$([ $class = dark ] && echo '\x20' || echo '\xd0')
    i=0
    for size in "1 1" "1 9" "40 1" "13 7" "5 33"; do
      plain sizes/$split/$class/$((i++)).bmp $size "$value"
      plain dots/$split/$class/$i.bmp 1 1 "$value"
    done
  done
done
for augment in none light standard trivial; do
  for resize in crop squash letterbox; do
    run 0 train sizes --model mlp --size 8 --epochs 1 --batch 4 --augment $augment --resize $resize --quiet --out sizes_$augment
  done
  run 0 train dots --model resnet8 --size 8 --epochs 1 --batch 4 --augment $augment --quiet --out dots_$augment
  run 0 train dots --model mlp --size 1 --epochs 1 --batch 4 --augment $augment --quiet --out dot_$augment
done
run 0 predict sizes_none dots/test/dark/1.bmp sizes/test/light/2.bmp; [ "$(wc -l <out)" = 2 ] || fail "many sizes"

# Unicode, spaces and quotes in paths and classes, all the way through.
odd="Mein Ordner/größe \"7\" 猫"
mkdir -p "$odd"
cp -r photos/train photos/val photos/test "$odd/"
for split in train val test; do
  mv "$odd/$split/top" "$odd/$split/oben, ünd 猫"
  mv "$odd/$split/bottom/0.bmp" "$odd/$split/bottom/a b, \"c\".bmp"
done
run 0 train "$odd" "${small[@]}" --out "Läufe/eins zwei"
says out "run: Läufe/eins zwei"
run 0 train --config "Läufe/eins zwei/args.toml" --quiet --json; says out '"run":"Läufe/eins zwei-2"'
run 0 eval "Läufe/eins zwei" "$odd" --batch 4 --json; same out "Läufe/eins zwei/metrics.json"; says out '"name": "oben, ünd 猫"'
run 0 metrics "Läufe/eins zwei/predictions.csv" --json; same_figures out "Läufe/eins zwei/metrics.json"
run 0 predict "Läufe/eins zwei" "$odd/test/bottom/a b, \"c\".bmp" --json; says out 'a b, \"c\".bmp","top":[{"label":"'
run 0 train --resume "Läufe/eins zwei" --quiet
# The name of a class that is no UTF-8 could not be stored in a model: an error before training.
if cp -r photos latin 2>/dev/null && mv latin/train/top latin/train/$'t\xf6p' 2>/dev/null; then
  mv latin/val/top latin/val/$'t\xf6p'; mv latin/test/top latin/test/$'t\xf6p'
  run 3 train latin "${small[@]}" --out none; says err "t?p', expected UTF-8"
fi

# Folders far below their class are named, not passed over in silence.
cp -r photos deep
mkdir -p deep/train/top/1/2/3/4/5/6/7/8/9
mv deep/train/top/0.bmp deep/train/top/1/2/3/4/5/6/7/8/9/
run 0 train deep "${small[@]}" --out deeper; says out "deep/train: 1 folders are ignored that lie more than 8 below their class"
# Links in circles: every image once.
cp -r photos circle; ln -s ../.. circle/train/top/up; ln -s . circle/train/self; ln -s knot circle/train/knot
run 0 train circle "${small[@]}" --out circled; says out "circle: 2 classes, 12 train"; says out "links back to a folder above are ignored"
finish
