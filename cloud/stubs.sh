#!/bin/sh
# Sources that do nothing, so that the dependencies are compiled in a layer of their own.
set -eu
cd "$(dirname "$0")/.."
mkdir -p udfs/src runner/src
: > udfs/src/lib.rs
echo 'fn main() {}' > runner/src/main.rs
# Targets that the manifests name must be there, whether they are built or not.
for manifest in udfs runner tests; do
  sed -n 's/^path = "\([^"]*\.rs\)".*/\1/p' "$manifest/Cargo.toml" | while read -r path; do
    mkdir -p "$manifest/$(dirname "$path")"
    [ -e "$manifest/$path" ] || echo 'fn main() {}' > "$manifest/$path"
  done
done
mkdir -p tests/src
[ -e tests/src/lib.rs ] || : > tests/src/lib.rs
