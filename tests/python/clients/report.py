"""Runs suites and sessions one after another, and says what does not hold."""

import argparse
import inspect
import pathlib
import sys
import tempfile
import traceback

import slt

SUITES = pathlib.Path(__file__).parent.parent.parent / "slt"
# The registry of models belongs to the runner; a client is told so.
NO_REGISTRY = {"predict_model.slt": "there is no registry to find"}


def run_suites(folder, engine, connect):
    """Every record of every file; returns what does not hold.

    `connect` returns what runs SQL on a database of its own, see slt.run.
    """
    files = sorted(folder.glob("*.slt"))
    assert files, f"no suites in {folder}"
    failures, count = [], 0
    for path in files:
        query = connect()
        refusal = NO_REGISTRY.get(path.name)
        for record in slt.records(path, engine):
            if refusal and record.kind != "error":
                record = slt.Record(record.place, "error", record.sql, error=refusal)
            elif refusal:
                continue
            count += 1
            failure = slt.run(query, record)
            if failure:
                failures.append(failure)
    print(f"ok: {count - len(failures)} of {count} records of {len(files)} suites", flush=True)
    return failures


def run_sessions(sessions, client, only):
    """Every function of a module that takes a client; returns what does not hold."""
    failures = []
    for name, session in inspect.getmembers(sessions, inspect.isfunction):
        if session.__module__ != sessions.__name__ or name.startswith("_") or (only and name not in only):
            continue
        try:
            said = session(client)
        except Exception:  # noqa: BLE001: the others run nevertheless
            failures.append(f"{name}: {traceback.format_exc()}")
            print(f"FAILED: {name}", flush=True)
        else:
            print(f"ok: {name}{': ' + said if said else ''}", flush=True)
    return failures


def arguments(*more):
    """The arguments of a program that checks; `more` are positional paths."""
    parser = argparse.ArgumentParser()
    for name in more:
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--slt", type=pathlib.Path, default=SUITES)
    parser.add_argument("--only", action="append", default=[], help="a session, or 'slt'")
    return parser.parse_args()


def check(arguments, name, client, sessions, suites):
    """Runs all suites and sessions that are asked for, and ends the program.

    `client` makes the client in a folder of its own; `suites` runs the suites on it and returns what does not hold.
    """
    with tempfile.TemporaryDirectory(prefix=f"lagrange-{name}-", ignore_cleanup_errors=True) as folder:
        checked = client(pathlib.Path(folder))
        failures = []
        if not arguments.only or "slt" in arguments.only:
            failures += suites(checked)
        failures += run_sessions(sessions, checked, arguments.only)
    for failure in failures:
        print(failure, file=sys.stderr)
    sys.exit(1 if failures else 0)
