#!/usr/bin/env bash
# The objects of kernels that are compiled for one instruction set hold no weak code: the linker keeps
# one copy of an inline function, and a copy with AVX-512 instructions crashes older processors. What
# they define globally lies in the namespace of their instruction set.
# Use: isa_symbols.sh ISA OBJECT ...
set -euo pipefail
isa=$1
shift
bad=0
for object; do
  while read -r kind name; do
    case $kind in
      W | w | V | v | u) echo "$object: weak symbol $name"; bad=$((bad + 1)) ;;
      T | D | B | R)
        [[ $name == *"::$isa::"* ]] || { echo "$object: $name is outside the namespace $isa"; bad=$((bad + 1)); } ;;
    esac
  done < <(nm --defined-only -C "$object" | sed -E 's/^[0-9a-f]* *//')
done
if [ "$bad" -gt 0 ]; then
  echo "$bad problems in $# objects of $isa"
  exit 1
fi
echo "$# objects of $isa in order"
