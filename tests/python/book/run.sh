#!/usr/bin/env bash
# Builds the book of docs and follows its links.
#
#   run.sh MDBOOK FOLDER
#
# MDBOOK is the program that env.sh prints; the book goes to FOLDER.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
mdbook="$1" folder="$2"
rm -rf "$folder"
log="$("$mdbook" build "$here/../../../docs" --dest-dir "$folder" 2>&1)" || { echo "$log" >&2; exit 1; }
if grep -E 'WARN|ERROR' <<<"$log" >&2; then
  exit 1
fi
python3 "$here/links.py" "$folder"
