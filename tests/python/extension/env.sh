#!/usr/bin/env bash
# Makes the virtual environments of the DuckDB clients that load the extension; prints
# their folder.
set -euo pipefail
exec "$(dirname "$0")/../clients/env.sh" extension-clients \
  "2.0 duckdb==2.0.0 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1" \
  "1.5 duckdb==1.5.6 duckdb-cli==1.5.6" \
  "1.4 duckdb==1.4.5 duckdb-cli==1.4.4" \
  "too-old duckdb==1.3.2"
