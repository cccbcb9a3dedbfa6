#!/usr/bin/env bash
# What the documentation points at exists: relative links, and paths of the tree in backticks
# (`core/src/ops/`). A name with <...>, * or ... in it is a pattern and is not looked up; build/,
# runs/ and paths below an installed prefix are made by the build or the program.
. "$(dirname "$0")/common.sh"

checked=0
while read -r page; do
  checked=$((checked + 1))
  folder=$(dirname "$page")
  while read -r target; do
    case $target in http*://* | mailto:* | '#'*) continue ;; esac
    [ -e "$folder/${target%%#*}" ] || problem "$page links to $target, which does not exist"
  done < <(grep -oE '\]\([^)]+\)' "$page" | sed -E 's/^\]\(//; s/\)$//' || true)
  while read -r path; do
    case $path in *'<'* | *'*'* | *...* | */NAME* | *YOUR*) continue ;; esac
    [ -e "$path" ] || problem "$page names $path, which does not exist"
  done < <(grep -oE '`(core|kernels|layers|data|metrics|models|train|cli|examples|tests|bench|cmake|docs)/[^` ]*`' "$page" | tr -d '`' || true)
  while read -r header; do
    compgen -G "*/include/$header" >/dev/null || compgen -G "core/base/include/$header" >/dev/null ||
      compgen -G "kernels/abi/include/$header" >/dev/null || problem "$page names <$header>, which does not exist"
  done < <(grep -oE '`<?taxon/[a-z0-9_/]+\.h>?`' "$page" | tr -d '`<>' || true)
done < <(tree '*.md')
finish "$checked" "pages"
