"""Checks lagrange_datafusion in the DataFusion of this Python, which must have it installed.

    python check.py [--models FOLDER] [--slt FOLDER] [--only NAME]

Runs every suite of tests/slt in a session with the functions, also in batches of a few
rows, then the sessions of sessions.py. --models is a folder with the tables of
../clients/models.sql as Parquet. Ends with 1 if anything does not hold.
"""

import functools
import pathlib
import sys

import datafusion

import lagrange_datafusion
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "clients"))
import report  # noqa: E402
import sessions  # noqa: E402

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


def suites(client, folder):
    """Every suite in every setting; returns what does not hold."""
    return [
        failure
        for settings in SETTINGS
        for failure in report.run_suites(folder, "datafusion", functools.partial(client.suite, *settings))
    ]


def main():
    arguments = report.arguments()
    print(f"DataFusion {datafusion.__version__}, lagrange_datafusion {lagrange_datafusion.__version__}", flush=True)
    report.check(
        arguments,
        "datafusion",
        lambda folder: Client(folder, arguments.models),
        sessions,
        lambda client: suites(client, arguments.slt),
    )


if __name__ == "__main__":
    main()
