#!/usr/bin/env bash
# On a terminal: a progress bar and one line an epoch that stays; elsewhere: one line an epoch.
. "$(dirname "$0")/common.sh"
pictures photos 8
options="train photos --model mlp --size 8 --epochs 2 --batch 2"
"$TAXON" $options --out plain >out 2>err || fail "train"
[ "$(grep -c '^epoch ' out)" = 2 ] || fail "one line an epoch"
grep -q $'\r' out && fail "a bar although stdout is no terminal"
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
  script -qec "'$TAXON' $options --out bar" typescript >/dev/null </dev/null || fail "train on a terminal"
  says typescript "left"
  says typescript "img/s"
  grep -q $'\r' typescript || fail "no bar on a terminal"
  script -qec "'$TAXON' $options --json --out quiet >events" typescript >/dev/null </dev/null
  [ "$(grep -c '^{"event"' events)" = 3 ] || fail "events while stderr is a terminal"
else
  echo "skipped on a terminal: no script(1), or no pseudo-terminal"
fi
finish
