"""Checks the loadable extension in the DuckDB of this Python.

    python check.py lagrange.duckdb_extension [--models FOLDER] [--slt FOLDER]

Runs every suite of tests/slt on a connection that has loaded the extension, then
the sessions of sessions.py. --models is what runner_models.py has written. Ends with 1 if anything does not hold.
"""

import pathlib
import sys

import duckdb

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "clients"))
import report  # noqa: E402
import sessions  # noqa: E402


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

    def suite(self):
        """A database for a suite, as slt.run wants it."""
        connection = self.connect()
        connection.execute("SET search_path = 'main,lagrange.main'")

        def query(sql, forget):
            connection.execute(sql)
            return None if forget else connection.fetchall()

        return query


def main():
    arguments = report.arguments("extension")
    print(f"DuckDB {duckdb.__version__}", flush=True)
    extension = arguments.extension.resolve()
    report.check(
        arguments,
        "extension",
        lambda folder: Client(extension, folder, arguments.models),
        sessions,
        lambda client: report.run_suites(arguments.slt, "duckdb", client.suite),
    )


if __name__ == "__main__":
    main()
