#!/usr/bin/env bash
# A program with the CUDA backend on a machine without a GPU: it starts, works on the CPU, and says why
# it cannot do otherwise.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

run 0 --version; says out "backends cpu cuda"
run 0 info
if grep -q '^cuda:0 ' out; then
  echo "SKIPPED: there is a GPU"
  exit 77
fi
grep -q '^cuda  *\(no CUDA device\|the NVIDIA driver\|CUDA cannot\)' out || fail "taxon info does not say why there is no GPU"
pictures photos 4
run 0 train photos --model mlp --size 8 --epochs 1 --out trained
run 5 train photos --model mlp --size 8 --epochs 1 --device cuda --out never; says err "device cuda:0 is not available: "
run 5 eval trained photos --device cuda; says err "not available"
run 5 predict trained photos --device cuda; says err "not available"
run 5 bench --model mlp --device cuda; says err "not available"
[ -e never ] && fail "a run without its device leaves a folder"
finish
