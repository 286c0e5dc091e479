#!/usr/bin/env bash
# Makes the virtual environment of the MLflow server that the tests start, in the
# user's cache, once; prints its Python. What is half-made is made anew.
set -euo pipefail
mlflow=3.17.2 onnx=1.22.0 onnxruntime=1.27.0
folder="${XDG_CACHE_HOME:-$HOME/.cache}/lagrange/mlflow-$mlflow"
python="$folder/bin/python"
# The mark says what is in it, and comes last.
whole="$folder/whole"
wanted="mlflow $mlflow onnx $onnx onnxruntime $onnxruntime"
if [ "$(cat "$whole" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$python" -m pip install --quiet --disable-pip-version-check --no-input \
    "mlflow==$mlflow" "onnx==$onnx" "onnxruntime==$onnxruntime" >&2
  echo "$wanted" >"$whole"
fi
echo "$python"
