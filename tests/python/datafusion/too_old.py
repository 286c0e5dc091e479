"""A DataFusion that the package is not for says which it needs."""

import sys

import datafusion

try:
    import lagrange_datafusion  # noqa: F401
except ImportError as error:
    assert "is for DataFusion 55" in str(error) and datafusion.__version__ in str(error), error
    print(f"ok: DataFusion {datafusion.__version__} says: {error}")
else:
    sys.exit(f"DataFusion {datafusion.__version__} takes it")
