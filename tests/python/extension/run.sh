#!/usr/bin/env bash
# Loads the extension in every DuckDB that it is for, and in one that it is not for.
#
#   run.sh CLIENTS lagrange.duckdb_extension LAGRANGE
#
# CLIENTS is the folder that env.sh prints, LAGRANGE the program.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
clients="$1" extension="$2" lagrange="$3"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

"$clients/2.0/bin/python" "$here/runner_models.py" "$lagrange" "$folder"
for client in 2.0 1.5 1.4; do
  "$clients/$client/bin/python" "$here/check.py" "$extension" --models "$folder"
done
"$clients/too-old/bin/python" "$here/too_old.py" "$extension"
