#!/usr/bin/env bash
# SIGKILL at any moment leaves whole files: --resume goes on and ends with the same weights.
. "$(dirname "$0")/common.sh"
pictures photos 20
options=(photos --model cnn --size 8 --epochs 12 --batch 8 --seed 5 --quiet)
run 0 train "${options[@]}" --out whole

"$TAXON" train "${options[@]}" --out part 2>err &
kills=0
while :; do
  # Later and later, so that a slow machine or build gets past its start too.
  pause=$((20 + RANDOM % (150 + 40 * kills)))
  sleep "$((pause / 1000)).$(printf '%03d' $((pause % 1000)))"
  kill -KILL $! 2>/dev/null && kills=$((kills + 1))
  wait $! 2>/dev/null
  code=$?
  [ $code = 0 ] && break
  [ $code = 137 ] || { fail "exit code $code"; cat err >&2; break; }
  for file in part/*.safetensors; do
    [ -e "$file" ] || continue
    case $file in
      part/checkpoint*) ;;
      *) "$TAXON" info "$file" >out 2>info || { fail "$file is broken: $(cat info)"; break 2; } ;;
    esac
  done
  [ $kills -gt 200 ] && { fail "no end after 200 kills"; break; }
  if [ $kills -gt 12 ] && [ -e part/args.toml ]; then  # enough of them
    "$TAXON" train --resume part --quiet 2>err || { fail "the last resume"; cat err >&2; }
    break
  fi
  if [ -e part/args.toml ]; then
    "$TAXON" train --resume part --quiet 2>err &
  else
    rm -rf part
    "$TAXON" train "${options[@]}" --out part 2>err &
  fi
done
for file in best last; do same whole/$file.safetensors part/$file.safetensors; done
same whole/predictions.csv part/predictions.csv
[ -z "$(find part -name '*.tmp*')" ] || fail "left behind: $(ls part)"
echo "$kills kills"
finish
