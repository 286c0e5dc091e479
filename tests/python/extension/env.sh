#!/usr/bin/env bash
# Makes the virtual environments of the DuckDB clients that load the extension, in the
# user's cache, once; prints their folder. What is half-made is made anew.
set -euo pipefail
folder="${XDG_CACHE_HOME:-$HOME/.cache}/lagrange/extension-clients"
clients=(
  "2.0 duckdb==2.0.0 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1"
  "1.5 duckdb==1.5.6 duckdb-cli==1.5.6"
  "1.4 duckdb==1.4.5 duckdb-cli==1.4.4"
  "too-old duckdb==1.3.2"
)
for client in "${clients[@]}"; do
  read -r name packages <<<"$client"
  # The mark says what is in it, and comes last.
  whole="$folder/$name/whole"
  if [ "$(cat "$whole" 2>/dev/null)" != "$packages" ]; then
    rm -rf "${folder:?}/$name"
    python3 -m venv "$folder/$name"
    # shellcheck disable=SC2086 # A word per package.
    "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check --no-input $packages >&2
    echo "$packages" >"$whole"
  fi
done
echo "$folder"
