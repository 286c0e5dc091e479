#!/usr/bin/env python3
"""The Python package is built of the same versions of packages as the workspace: other versions of the
mathematics could be other models."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent


def locked(folder):
    """Name and version of each package."""
    text = (ROOT / folder / "Cargo.lock").read_text()
    return set(re.findall(r'^name = "(.*)"\nversion = "(.*)"$', text, re.MULTILINE))


workspace, ours = locked("."), locked("udfs/python")
names = {name for name, _ in workspace}
others = sorted(package for package in ours if package[0] in names and package not in workspace)
assert len(ours) > 50, ours
if others:
    sys.exit(f"copy Cargo.lock to udfs/python and build: {others}")
print(f"ok: {len(ours)} packages")
