#!/usr/bin/env bash
# A program that includes <taxon/taxon.h> and nothing else compiles quickly. The best of three runs is
# printed and held against a bound that a busy machine keeps too; docs/performance.md has the figure.
. "$(dirname "$0")/common.sh"
bound=${TAXON_COMPILE_BOUND:-4.0}

flags=
for root in core/base core layers data metrics models train; do flags+=" -I$root/include"; done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
printf '#include <taxon/taxon.h>\nint main() {}\n' >"$scratch/main.cpp"
best=
for _ in 1 2 3; do
  start=$(date +%s.%N)
  # shellcheck disable=SC2086
  ${CXX:-c++} -std=c++20 $flags -c "$scratch/main.cpp" -o "$scratch/main.o"
  best=$(awk -v a="$start" -v b="$(date +%s.%N)" -v c="${best:-1e9}" 'BEGIN { t = b - a; print (t < c ? t : c) }')
done
printf '#include <taxon/taxon.h> compiles in %.2f s (bound here: %.1f s)\n' "$best" "$bound"
awk -v t="$best" -v b="$bound" 'BEGIN { exit t > b }'
