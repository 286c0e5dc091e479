"""Runs the suites of tests/slt on a client of Python.

The records and their comparison are those of tests/suites/slt.rs: statement ok,
statement error REGEX, query, onlyif, skipif; anything else is refused. Numbers
are printed as in tests/src/print.rs.
"""

import datetime
import decimal
import math
import re


class Record:
    """A statement with what is expected of it."""

    def __init__(self, place, kind, sql, error=None, rows=None):
        self.place, self.kind, self.sql = place, kind, sql
        self.error, self.rows = error, rows


def records(path, engine):
    """The records of a file that are for an engine, 'duckdb' or 'datafusion'."""
    lines = path.read_text().split("\n")
    at, wanted = 0, True
    while at < len(lines):
        line = lines[at].rstrip()
        at += 1
        if not line or line.startswith("#"):
            continue
        words = line.split()
        if words[0] in ("onlyif", "skipif"):
            wanted = (words[1] == engine) == (words[0] == "onlyif")
            continue
        place, block = f"{path.name}:{at}", []
        while at < len(lines) and lines[at].strip():
            block.append(lines[at])
            at += 1
        if words[0] == "query" and "----" in block:
            cut = block.index("----")
            record = Record(place, "query", "\n".join(block[:cut]), rows=block[cut + 1 :])
        elif line == "statement ok":
            record = Record(place, "ok", "\n".join(block))
        elif line.startswith("statement error "):
            record = Record(place, "error", "\n".join(block), error=line[len("statement error ") :])
        else:
            raise ValueError(f"{place}: this runner does not know '{line}'")
        if wanted:
            yield record
        wanted = True


def run(query, record):
    """None if the record holds, otherwise what is wrong.

    `query` runs SQL and returns its rows; with a second argument that is true it
    need not fetch them.
    """
    try:
        # An error may come with the rows: a client fetches them as it likes.
        rows = query(record.sql, record.kind == "ok")
    except Exception as error:  # noqa: BLE001: whatever the client raises is the result
        if record.kind == "error" and re.search(record.error, str(error)):
            return None
        return f"{record.place}: {record.sql}\n  error: {error}"
    if record.kind == "error":
        return f"{record.place}: {record.sql}\n  is not refused; expected: {record.error}"
    if record.kind == "ok":
        return None
    found = [" ".join(normal(text(value)) for value in row) for row in rows]
    expected = [normal(row) for row in record.rows]
    if found == expected:
        return None
    return f"{record.place}: {record.sql}\n  expected {expected}\n  found    {found}"


def normal(line):
    return " ".join(line.split())


def text(value):
    """One text per value."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (float, decimal.Decimal)):
        return double(float(value))
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return f"({len(value)} bytes)"
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {text(item)}" for name, item in value.items()) + "}"
    raise TypeError(f"no text for {type(value)}")


def double(value):
    """Ten significant digits."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    rounded = float(f"{value:.9e}")
    if rounded == 0:
        return "0"
    digits = decimal.Decimal(repr(rounded)).normalize()
    if 1e-5 <= abs(rounded) < 1e15:
        return f"{digits:f}"
    sign, figures, exponent = digits.as_tuple()
    mantissa = str(figures[0])
    if len(figures) > 1:
        mantissa += "." + "".join(map(str, figures[1:]))
    return f"{'-' if sign else ''}{mantissa}e{exponent + len(figures) - 1}"
