"""Checks lagrange_datafusion in the DataFusion of this Python, which must have it installed.

    python check.py [--models FOLDER] [--slt FOLDER] [--only NAME]

Runs every suite of tests/slt in a session with the functions, also in batches of a few
rows, then the sessions of sessions.py. --models is a folder with the tables of
../clients/models.sql as Parquet. Ends with 1 if anything does not hold.
"""

import argparse
import functools
import pathlib
import shutil
import sys
import tempfile

import datafusion

import lagrange_datafusion
import sessions

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "clients"))
import report  # noqa: E402

# As tests/suites/slt.rs: partitions, rows of a batch.
SETTINGS = [(2, 8192), (4, 1), (3, 2), (1, 3)]


class Client:
    """Sessions with the functions."""

    def __init__(self, folder, models=None):
        self.folder, self.models = folder, models

    def connect(self, partitions=2, batch_size=8192):
        config = datafusion.SessionConfig().with_target_partitions(partitions).with_batch_size(batch_size)
        return lagrange_datafusion.register(datafusion.SessionContext(config))

    def suite(self, *settings):
        """A session for a suite, as slt.run wants it."""
        context = self.connect(*settings)
        return lambda sql, _forget: [row for batch in context.sql(sql).collect() for row in rows(batch)]


def rows(batch):
    """The rows of a batch as tuples."""
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--slt", type=pathlib.Path, default=report.SUITES)
    parser.add_argument("--only", action="append", default=[], help="a session, or 'slt'")
    arguments = parser.parse_args()
    print(f"DataFusion {datafusion.__version__}, lagrange_datafusion {lagrange_datafusion.__version__}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="lagrange-datafusion-"))
    client = Client(folder, arguments.models)
    try:
        failures = []
        if not arguments.only or "slt" in arguments.only:
            for settings in SETTINGS:
                failures += report.run_suites(arguments.slt, "datafusion", functools.partial(client.suite, *settings))
        failures += report.run_sessions(sessions, client, arguments.only)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.end(failures)


if __name__ == "__main__":
    main()
