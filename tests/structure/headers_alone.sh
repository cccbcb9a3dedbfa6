#!/usr/bin/env bash
# Every header of the library compiles alone, twice in a row, with nothing but the include roots of its
# own folder and those before it. Environment: CXX, CXXFLAGS (the build's own).
. "$(dirname "$0")/common.sh"

root_of() {
  case $1 in
    base) echo core/base/include ;; kernels) echo kernels/abi/include ;;
    fetch | check) echo "data/$1/include" ;; report) echo metrics/report/include ;;
    *) echo "$1/include" ;;
  esac
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

checked=0
for area in $library_areas fetch check report; do
  root=$(root_of "$area")
  flags=
  for before in $(may_include "$area"); do flags+=" -I$PWD/$(root_of "$before")"; done
  while read -r header; do
    checked=$((checked + 1))
    source=$scratch/${area}_$checked.cpp
    printf '#include <%s>\n#include <%s>\n' "${header#"$root"/}" "${header#"$root"/}" >"$source"
    printf '%s\0' "${CXX:-c++} -std=c++20 ${CXXFLAGS:-} -Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only $flags $source || echo '$header does not compile alone'"
  done < <(tree "$root/*.h") >>"$scratch/commands"
done
# In parallel; each failing header adds its line to the report.
checked=$(tr -cd '\0' <"$scratch/commands" | wc -c)
xargs -0 -P "$(nproc)" -n 1 bash -c <"$scratch/commands" >"$scratch/report" 2>&1 || true
if [ -s "$scratch/report" ]; then
  cat "$scratch/report"
  problem "headers that do not compile alone: $(grep -c 'does not compile alone$' "$scratch/report")"
fi
finish "$checked" "headers"
