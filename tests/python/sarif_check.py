"""Validates what `lagrange check --format sarif` prints against the schema of SARIF 2.1.0.

    lagrange check script.sql --format sarif > found.sarif
    python tests/python/sarif_check.py sarif-schema-2.1.0.json found.sarif ...

The schema is the one that OASIS publishes; it is named by file or URL and not kept here.
Needs jsonschema.
"""

import json
import sys
import urllib.request

import jsonschema


def read(place):
    if "://" in place:
        with urllib.request.urlopen(place) as answer:
            return json.load(answer)
    with open(place, encoding="utf-8") as file:
        return json.load(file)


schema = read(sys.argv[1])
validator = jsonschema.validators.validator_for(schema)(
    schema, format_checker=jsonschema.FormatChecker()
)
wrong = 0
for name in sys.argv[2:]:
    document = read(name)
    errors = list(validator.iter_errors(document))
    for error in errors:
        print(f"{name}: {error.json_path}: {error.message[:200]}")
    wrong += len(errors)
    print(f"{name}: {len(document['runs'][0]['results'])} results, {len(errors)} errors")
sys.exit(1 if wrong else 0)
