#!/usr/bin/env bash
# Installs the wheel and checks it in the DataFusion that it is for, and in one that it is not for.
#
#   run.sh CLIENTS lagrange_datafusion-....whl LAGRANGE
#
# CLIENTS is the folder that env.sh prints, LAGRANGE the program.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
clients="$1" wheel="$2" lagrange="$(realpath "$3")"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

# As a user installs it, but in a folder of its own.
"$clients/55/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-index --no-deps \
  --target "$folder/packages" "$wheel"
export PYTHONPATH="$folder/packages"
"$clients/55/bin/python" -m pip check --disable-pip-version-check

# Models of the runner, and what it predicts with them.
(cd "$folder" && "$lagrange" run "$here/../clients/models.sql" --engine datafusion --check off >"$folder/run.txt" 2>&1) ||
  { cat "$folder/run.txt" >&2; exit 1; }
"$clients/55/bin/python" "$here/check.py" --models "$folder/data/ml"
"$clients/54/bin/python" "$here/too_old.py"
