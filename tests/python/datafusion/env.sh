#!/usr/bin/env bash
# Makes the virtual environments of Python's DataFusion, in the user's cache, once; prints
# their folder. What is half-made is made anew.
set -euo pipefail
folder="${XDG_CACHE_HOME:-$HOME/.cache}/lagrange/datafusion-clients"
clients=(
  "55 datafusion==55.0.0 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1"
  "54 datafusion==54.0.0"
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
