#!/usr/bin/env bash
# Files a person can read: none over 600 lines; each source begins with a comment that says what it is
# for, or with its own header, which does; nothing committed names a path of somebody's machine or
# leaves work marked as unfinished.
. "$(dirname "$0")/common.sh"

checked=0
while read -r file; do
  checked=$((checked + 1))
  lines=$(wc -l <"$file")
  [ "$lines" -le 600 ] || problem "$file has $lines lines; at most 600"
  first=$(head -n 1 "$file")
  stem=$(basename "${file%.*}")
  [[ $first == '//'* || $first =~ ^'#include '[\<\"](.*/)?"$stem".h[\>\"]$ ]] || problem "$file does not begin with a comment that says what it is for"
done < <(sources; tree '*.js')

while read -r found; do
  problem "$found: a path of one machine"
done < <(tree | xargs grep -nIE '(^|[^A-Za-z0-9_.])/(work|farm|root|home/[a-z]+)/' 2>/dev/null || true)
while read -r found; do
  problem "$found: unfinished"
done < <(sources | xargs grep -nE '\b(TO''DO|FIX''ME|XX''X)\b' || true)
finish "$checked" "files"
