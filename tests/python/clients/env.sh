#!/usr/bin/env bash
# Makes virtual environments in the user's cache, once; prints their folder. What is
# half-made is made anew.
#
#   env.sh FOLDER "NAME PACKAGE==VERSION ..." ...
#
# FOLDER is one of the cache's own; each NAME is an environment with these packages.
set -euo pipefail
folder="${XDG_CACHE_HOME:-$HOME/.cache}/lagrange/$1"
for client in "${@:2}"; do
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
