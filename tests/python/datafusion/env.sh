#!/usr/bin/env bash
# Makes the virtual environments of Python's DataFusion; prints their folder.
set -euo pipefail
exec "$(dirname "$0")/../clients/env.sh" datafusion-clients \
  "55 datafusion==55.0.0 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1" \
  "54 datafusion==54.0.0"
