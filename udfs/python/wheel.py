#!/usr/bin/env python3
"""Builds the library and makes a wheel of it, in the program's target folder; prints its path.

    python3 udfs/python/wheel.py

Nothing but Cargo and a Python are needed.
"""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = "lagrange_datafusion"
# The oldest Python, as in the features of pyo3 in Cargo.toml.
TAG = "cp310-abi3"


def build():
    """The library, the version of the package and that of DataFusion."""
    cargo = os.environ.get("CARGO") or shutil.which("cargo") or sys.exit("cargo is not installed")
    command = [cargo, "build", "--release", "--locked", "--message-format", "json-render-diagnostics"]
    if "CARGO_TARGET_DIR" not in os.environ:
        # What the program has compiled of DataFusion is there.
        command += ["--target-dir", str(HERE.parent.parent / "target")]
    done = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    artifacts = [message for message in messages if message["reason"] == "compiler-artifact"]
    ours = next(artifact for artifact in artifacts if artifact["target"]["name"] == PACKAGE)
    engine = next(artifact for artifact in artifacts if artifact["target"]["name"] == "datafusion_ffi")
    version = re.search(r"[#@]([0-9.]+)$", ours["package_id"])[1]
    major = re.search(r"[#@]([0-9]+)\.", engine["package_id"])[1]
    library = next(name for name in ours["filenames"] if name.endswith((".so", ".dylib", ".dll")))
    return pathlib.Path(library), version, int(major)


def metadata(version, major):
    return f"""\
Metadata-Version: 2.1
Name: {PACKAGE.replace("_", "-")}
Version: {version}
Summary: Machine-learning training as SQL functions of DataFusion
License: Apache-2.0
Requires-Python: >=3.10
Requires-Dist: datafusion >={major},<{major + 1}
Description-Content-Type: text/markdown

The functions of Lagrange in the DataFusion of a Python program: fit, predict, purged folds, feature
importance, screening and more, in SQL.

    import datafusion, lagrange_datafusion
    ctx = lagrange_datafusion.register(datafusion.SessionContext())
"""


def record(name, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(content)}"


def main():
    if len(sys.argv) > 1:
        sys.exit("it takes no arguments")
    library, version, major = build()
    tag = f"{TAG}-{re.sub('[-.]', '_', sysconfig.get_platform())}"
    information = f"{PACKAGE}-{version}.dist-info"
    native = f"{PACKAGE}/_native.pyd" if library.suffix == ".dll" else f"{PACKAGE}/_native.abi3.so"
    files = {f"{PACKAGE}/{path.name}": path.read_bytes() for path in sorted((HERE / PACKAGE).iterdir()) if path.is_file()}
    files[native] = library.read_bytes()
    files[f"{information}/METADATA"] = metadata(version, major).encode()
    files[f"{information}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: lagrange\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    files[f"{information}/licenses/LICENSE"] = (HERE.parent.parent / "LICENSE").read_bytes()
    records = [record(name, content) for name, content in files.items()]
    files[f"{information}/RECORD"] = "\n".join([*records, f"{information}/RECORD,,", ""]).encode()

    wheel = library.parent / f"{PACKAGE}-{version}-{tag}.whl"
    # Nobody installs half a file.
    aside = wheel.with_suffix(".part")
    with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # The same bytes give the same wheel, whenever it is made.
            entry = zipfile.ZipInfo(name)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    aside.replace(wheel)
    print(wheel)


if __name__ == "__main__":
    main()
