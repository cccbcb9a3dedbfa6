# Shared by the checks of the source tree. Each check prints what is wrong, one line each, and exits 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# The files that are, or would be, committed; outside a git checkout, all that are not build products.
tree() {
  if git -c safe.directory='*' rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -c safe.directory='*' ls-files --cached --others --exclude-standard -- "$@" |
      while read -r file; do if [ -f "$file" ]; then echo "$file"; fi; done
  else
    find . -type f -not -path './build/*' -not -path './runs/*' | sed 's|^\./||' |
      { if [ $# -gt 0 ]; then grep -E "$(printf '%s\n' "$@" | sed 's/[.]/\\./g; s/^\*/.*/; s/$/$/' | paste -sd'|')"; else cat; fi; }
  fi
}
sources() { tree '*.cpp' '*.h' '*.cu' '*.cuh' '*.inc'; }

# The folder that a source belongs to: base, kernels, core, layers, ... or the first part of its path.
area_of() {
  case $1 in
    core/base/*) echo base ;; data/fetch/*) echo fetch ;; data/check/*) echo check ;; metrics/report/*) echo report ;;
    *) echo "${1%%/*}" ;;
  esac
}
# The folders whose headers an area may include; the order of docs/architecture.md.
may_include() {
  case $1 in
    base) echo base ;;
    kernels) echo base kernels ;;
    core) echo base kernels core ;;
    layers | data | metrics) echo base kernels core "$1" ;;
    models) echo base kernels core layers data metrics models ;;
    fetch) echo base data fetch ;;
    check) echo base core layers data metrics models train check ;;
    report) echo base kernels core layers data metrics models train report ;;
    *) echo base kernels core layers data metrics models train fetch check report ;;
  esac
}
library_areas='base kernels core layers data metrics models train'

problems=0
problem() {
  printf '%s\n' "$*"
  problems=$((problems + 1))
}
finish() { # finish CHECKED WHAT
  [ "$1" -gt 0 ] || problem "nothing was checked: the list of files is empty"
  if [ "$problems" -gt 0 ]; then
    printf '%d problems in %d %s\n' "$problems" "$1" "$2"
    exit 1
  fi
  printf '%d %s in order\n' "$1" "$2"
}
