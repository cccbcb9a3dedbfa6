# What the tests of the program share: a folder of its own, checks, tiny data. Sourced.
set -uo pipefail
: "${TAXON:?the program under test}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export LC_ALL=C TAXON_THREADS=2
unset TAXON_DATA
failures=0

fail() { printf 'FAILED: %s\n' "$*" >&2; failures=$((failures + 1)); }
finish() { [ "$failures" = 0 ] && echo "all passed"; exit "$((failures > 0))"; }

# run EXPECTED_CODE ARGS...: runs the program; its output is in ./out and ./err.
run() {
  local expected=$1 code
  shift
  "$TAXON" "$@" >out 2>err
  code=$?
  [ "$code" = "$expected" ] || { fail "taxon $*: exit code $code, expected $expected"; sed 's/^/  | /' err >&2; }
}
says() { grep -qF -- "$2" "$1" || { fail "$1 does not say: $2"; sed 's/^/  | /' "$1" >&2; }; }
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
# A metrics.json without what only the model knows: thresholds, and "calibration", its last key.
figures() { sed '/^  "calibration": {$/,$d' "$1" | grep -v '"threshold"' | tr -d ' ,\n}'; }
same_figures() { same <(figures "$1") <(figures "$2"); }
is_there() { [ -e "$1" ] || fail "$1 is missing"; }

bytes4() { printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 & 255)) $((($1 >> 8) & 255)) $((($1 >> 16) & 255)) $((($1 >> 24) & 255)); }

# bmp FILE LABEL: an 8x8 picture whose upper (LABEL 0) or lower half is bright, with noise.
RANDOM=12345
bmp() {
  local y x value text
  text="BM$(bytes4 246)$(bytes4 0)$(bytes4 54)$(bytes4 40)$(bytes4 8)$(bytes4 8)"
  text+="\\x01\\x00\\x18\\x00$(bytes4 0)$(bytes4 192)$(bytes4 2835)$(bytes4 2835)$(bytes4 0)$(bytes4 0)"
  for ((y = 0; y < 8; ++y)); do  # rows from the bottom
    for ((x = 0; x < 24; ++x)); do
      if (( (y < 4) == ($2 == 1) )); then value=$((140 + RANDOM % 60)); else value=$((60 + RANDOM % 60)); fi
      printf -v hex '\\x%02x' "$value"
      text+=$hex
    done
  done
  printf "$text" >"$1"
}

# pictures FOLDER PER_CLASS: FOLDER/{train,val,test}/{top,bottom}/*.bmp
pictures() {
  local split class label i
  for split in train val test; do
    label=0
    for class in top bottom; do
      mkdir -p "$1/$split/$class"
      for ((i = 0; i < $2; ++i)); do bmp "$1/$split/$class/$i.bmp" $label; done
      label=1
    done
  done
}
