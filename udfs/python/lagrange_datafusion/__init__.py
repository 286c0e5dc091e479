"""Machine-learning training as SQL functions of DataFusion.

    import datafusion, lagrange_datafusion
    ctx = lagrange_datafusion.register(datafusion.SessionContext())
    ctx.sql("SELECT * FROM lag_features('prices', 'close', [1, 2], 'symbol', 'day')")

`register` gives a session every function of the catalogue. In SQL the arguments of
a table function are passed by position; `table` takes them by name as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import datafusion

from . import _native

if TYPE_CHECKING:
    import pyarrow

__all__ = ["LagrangeError", "register", "table"]
__version__: str = _native.__version__

# Structures cross from one library to the other: their layout is that of a major version.
if datafusion.__version__.split(".")[0] != str(_native.DATAFUSION_MAJOR):
    raise ImportError(
        f"lagrange_datafusion {__version__} is for DataFusion {_native.DATAFUSION_MAJOR}, and this is "
        f"{datafusion.__version__}: pip install 'datafusion=={_native.DATAFUSION_MAJOR}.*'"
    )

_T = TypeVar("_T")

# What a table function stands for only reads.
_QUERY = datafusion.SQLOptions().with_allow_ddl(False).with_allow_dml(False).with_allow_statements(False)


class LagrangeError(ValueError):
    """A call of a table function that cannot be planned."""

    # DataFusion shows what is raised while it plans by its representation.
    def __repr__(self) -> str:
        return str(self)


def register(ctx: datafusion.SessionContext) -> datafusion.SessionContext:
    """Registers every function in a session, and returns the session.

    A session that has them is left as it is. Contexts that share a session, such as
    those that `with_...` methods return, share the functions.

    Raises:
        LagrangeError: The session has a function of the same name as one of these.
    """
    scalars, aggregates = _native.scalars(), _native.aggregates()
    known = {*ctx.udfs(), *ctx.udafs(), *ctx.udwfs()}
    if all(name in known for scalar in scalars for name in scalar.names):
        return ctx
    for function in (*scalars, *aggregates):
        for name in function.names:
            if name in known:
                raise LagrangeError(f"the name '{name}' is already a function of this DataFusion session")
    for aggregate in aggregates:
        ctx.register_udaf(datafusion.udaf(aggregate))
    for name in _native.tables():
        ctx.register_udtf(datafusion.udtf(_planned(name), name, with_session=True))
    # Last, because they tell that all is done.
    for scalar in scalars:
        ctx.register_udf(datafusion.udf(scalar))
    return ctx


def table(ctx: datafusion.SessionContext, name: str, *arguments: Any, **named: Any) -> datafusion.DataFrame:
    """What a table function returns, of a session with the functions.

    Arguments are constants: text, numbers, bools, None, lists and dicts of such.

        table(ctx, "lag_features", "prices", "close", [1, 2], order_by="day")

    Raises:
        LagrangeError: A wrong argument, or a relation that the session does not see.
    """
    call = _raising(lambda: _native.TableCall(name, arguments, named))
    return _plan(ctx, call)


def _planned(name: str) -> Callable[..., datafusion.DataFrame | _native.Failure]:
    """The table function as DataFusion calls it while it plans a query."""

    def call(*arguments: Any, session: datafusion.SessionContext) -> datafusion.DataFrame | _native.Failure:
        def work() -> datafusion.DataFrame:
            expressions = [argument.to_bytes() for argument in arguments]
            return _plan(session, _raising(lambda: _native.TableCall.from_expressions(name, expressions)))

        try:
            return _elsewhere(work)
        except LagrangeError as error:
            # DataFusion would show the way that the error has taken through this file.
            return _native.Failure(LagrangeError(str(error)))

    return call


def _elsewhere(work: Callable[[], _T]) -> _T:
    """Runs it on a thread of its own: this one waits for a query in an executor, which would panic if
    something that is called on it waited for another query."""
    outcome: list[tuple[_T | None, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:  # noqa: BLE001: the caller's to judge
            outcome.append((None, error))

    thread = threading.Thread(target=run, name="lagrange-planner", daemon=True)
    thread.start()
    thread.join()
    value, error = outcome[0]
    if error is not None:
        raise error
    return cast("_T", value)


def _plan(session: datafusion.SessionContext, call: _native.TableCall) -> datafusion.DataFrame:
    relation = _raising(call.relation)
    schema = None
    if relation is not None:
        try:
            schema = session.sql(f"SELECT * FROM {relation}", _QUERY).schema()
        except Exception as error:
            raise LagrangeError(call.unseen(relation, str(error))) from None
    sql = _raising(lambda: call.sql(None if schema is None else schema.serialize().to_pybytes()))
    return _raising(lambda: _with_final_types(session, session.sql(sql, _QUERY)))


def _with_final_types(session: datafusion.SessionContext, frame: datafusion.DataFrame) -> datafusion.DataFrame:
    """The frame with the types that its columns have once it is analysed: whoever reads the frame as a view
    believes the types that it declares, and some are coerced later."""
    declared = frame.schema()
    final = session.create_dataframe_from_logical_plan(frame.optimized_logical_plan()).schema()
    if declared.types == final.types:
        return frame
    return frame.select(*(_column(*fields) for fields in zip(declared, final, strict=True)))


def _column(declared: pyarrow.Field, final: pyarrow.Field) -> datafusion.Expr:
    # Quoted, because a name may have capitals and dots.
    quoted = declared.name.replace('"', '""')
    column = datafusion.col(f'"{quoted}"')
    return column if declared.type == final.type else column.cast(final.type).alias(declared.name)


def _raising(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except Exception as error:
        raise LagrangeError(str(error)) from None
