"""Checks the loadable extension in the DuckDB of this Python.

    python check.py lagrange.duckdb_extension [--models FOLDER] [--slt FOLDER]

Runs every suite of tests/slt on a connection that has loaded the extension, then
the sessions of sessions.py. --models is what runner_models.py has written. Ends with 1 if anything does not hold.
"""

import argparse
import inspect
import pathlib
import shutil
import sys
import tempfile
import traceback

import duckdb

import sessions
import slt

SUITES = pathlib.Path(__file__).parent.parent.parent / "slt"
# The registry of models belongs to the runner; a client is told so.
NO_REGISTRY = {"predict_model.slt": "there is no registry to find"}


class Client:
    """Connections that have loaded the extension."""

    def __init__(self, extension, folder, models=None):
        self.extension, self.folder, self.models = extension, folder, models
        self.version = tuple(int(part) for part in duckdb.__version__.split(".")[:2])

    def connect(self, path=":memory:", loaded=True, **options):
        config = {"allow_unsigned_extensions": True, "threads": 2}
        connection = duckdb.connect(str(path), config=config, **options)
        if loaded:
            self.load(connection)
        return connection

    def load(self, connection):
        connection.execute(f"LOAD '{self.extension}'")
        # A table that is not there must not be found among Python's variables.
        connection.execute("SET python_enable_replacements = false")


def run_suites(client, folder):
    """Every record of every file; returns what does not hold."""
    files = sorted(folder.glob("*.slt"))
    assert files, f"no suites in {folder}"
    failures, count = [], 0
    for path in files:
        connection = client.connect()
        connection.execute("SET search_path = 'main,lagrange.main'")
        refusal = NO_REGISTRY.get(path.name)
        for record in slt.records(path):
            if refusal and record.kind != "error":
                record = slt.Record(record.place, "error", record.sql, error=refusal)
            elif refusal:
                continue
            count += 1
            failure = slt.run(connection, record)
            if failure:
                failures.append(failure)
        connection.close()
    print(f"ok: {count - len(failures)} of {count} records of {len(files)} suites", flush=True)
    return failures


def run_sessions(client, only):
    failures = []
    for name, session in inspect.getmembers(sessions, inspect.isfunction):
        if session.__module__ != "sessions" or name.startswith("_") or (only and name not in only):
            continue
        try:
            said = session(client)
        except Exception:  # noqa: BLE001: the others run nevertheless
            failures.append(f"{name}: {traceback.format_exc()}")
            print(f"FAILED: {name}", flush=True)
        else:
            print(f"ok: {name}{': ' + said if said else ''}", flush=True)
    return failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("extension", type=pathlib.Path)
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--slt", type=pathlib.Path, default=SUITES)
    parser.add_argument("--only", action="append", default=[], help="a session, or 'slt'")
    arguments = parser.parse_args()
    print(f"DuckDB {duckdb.__version__}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lagrange-extension-"))
    client = Client(arguments.extension.resolve(), folder, arguments.models)
    try:
        failures = []
        if not arguments.only or "slt" in arguments.only:
            failures += run_suites(client, arguments.slt)
        failures += run_sessions(client, arguments.only)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
