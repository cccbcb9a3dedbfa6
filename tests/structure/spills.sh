#!/usr/bin/env bash
# Hot loops keep their vectors in registers: what the compiler made of the micro-kernels and of the
# transforms, read from their objects. First a loop that cannot, to see that the check finds it.
# Use: spills.sh CHECKER LIST ISA OBJECT ...
set -euo pipefail
checker=$1 list=$2 isa=$3
shift 3
disassemble() { objdump -d -C --no-show-raw-insn "$@"; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/bad.cpp" <<'CODE'
typedef float Vec __attribute__((vector_size(16)));
namespace bad {
template <int R, int V>
void tile_of(const Vec* a, long n, Vec* c) {
  Vec sum[R * V] = {};
  for (long k = 0; k < n; ++k) {
#pragma GCC unroll 64
    for (int i = 0; i < R * V; ++i) sum[i] += a[i] * a[k];
  }
  for (int i = 0; i < R * V; ++i) c[i] = sum[i];
}
template void tile_of<20, 2>(const Vec*, long, Vec*);
}  // namespace bad
CODE
"${CXX:-c++}" -O3 -c "$folder/bad.cpp" -o "$folder/bad.o"
disassemble "$folder/bad.o" | "$checker" baseline "$list" >"$folder/found" && { echo "a bad loop passes"; exit 1; }
grep -qE 'FAILED: [1-9][0-9]* moves .*tile_of<20, 2>' "$folder/found" || {
  echo "the moves of a bad loop are not found:"
  cat "$folder/found"
  exit 1
}

hot=()
for object; do
  case $object in */gemm/micro.isa.* | */conv2d/winograd.isa.* | */conv2d/winograd_stride2.isa.* | */conv2d/winograd_product.isa.* | */conv2d/depthwise.isa.* | */gemm/dots.avx512bf16.* | */conv2d/winograd_dots.avx512bf16.*) hot+=("$object") ;; esac
done
disassemble "${hot[@]}" | "$checker" "$isa" "$list"
