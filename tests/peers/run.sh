#!/usr/bin/env bash
# Runs a comparison with the Python that has PyTorch and scikit-learn: $TAXON_PEERS_PYTHON, the
# environment in ~/.cache/taxon-peers, or python3. Exit code 77 (skipped) where there is none.
# Use: run.sh SCRIPT.py ARGUMENTS...
set -euo pipefail
python=${TAXON_PEERS_PYTHON:-}
[ -n "$python" ] || python=$HOME/.cache/taxon-peers/bin/python
[ -x "$python" ] || python=$(command -v python3) || {
  echo "SKIPPED: no Python here"
  exit 77
}
exec "$python" -B "$@"  # -B: no __pycache__ in the tree
