#!/usr/bin/env bash
# What the documentation points at exists: relative links, and paths of the tree in backticks
# (`core/src/ops/`, `cli/main.cpp`), and headers (`taxon/core/op.h`). Left out: code blocks, lines
# about "a new file", and names with <...>, * or ... in them.
. "$(dirname "$0")/common.sh"

prose() { awk '/^ *```/ { code = !code; next } !code && !/a new file/' "$1"; }

checked=0
while read -r page; do
  checked=$((checked + 1))
  folder=$(dirname "$page")
  while read -r target; do
    case $target in http*://* | mailto:* | '#'*) continue ;; esac
    [ -e "$folder/${target%%#*}" ] || problem "$page links to $target, which does not exist"
  done < <(prose "$page" | grep -oE '\]\([^)]+\)' | sed -E 's/^\]\(//; s/\)$//' || true)
  while read -r path; do
    case $path in *'<'* | *'*'* | *...* | */NAME* | *YOUR*) continue ;; *.* | */) ;; *) continue ;; esac
    [ -e "$path" ] || problem "$page names $path, which does not exist"
  done < <(prose "$page" | grep -oE '`(core|kernels|layers|data|metrics|models|train|cli|examples|tests|bench|cmake|docs)/[^` ]*`' | tr -d '`' || true)
  while read -r header; do
    compgen -G "*/include/$header" >/dev/null || compgen -G "*/*/include/$header" >/dev/null ||
      problem "$page names <$header>, which does not exist"
  done < <(prose "$page" | grep -oE '`<?taxon/[a-z0-9_/]+\.h>?`' | tr -d '`<>' || true)
done < <(tree '*.md')
finish "$checked" "pages"
