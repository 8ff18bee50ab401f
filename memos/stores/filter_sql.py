"""A filter as an SQL condition."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, select, true

from memos.errors import BadInput, shown
from memos.ports.filters import FIELDS, Condition, Every, Filter, Not, Operator, Some
from memos.stores.filter_metadata import holds, metadata_condition
from memos.stores.tables import cubes, labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

_TIMES = ("created_at", "updated_at", "valid_from", "valid_to", "expires_at")
_NUMBERS = ("version", "position")
_LARGEST = (1 << 63) - 1
"""No column holds more, so a number beyond is compared as this one."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(time: datetime) -> int:
    """A time as the catalog stores it: microseconds since 1970, exact."""
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def condition_of(where: Filter, *, denied: bool = False) -> ColumnElement[bool]:
    """The SQL that admits the rows of ``cubes`` for which ``where`` holds.

    SQL's third truth value is as good as false, and an index answers a plain comparison only. But
    below a ``not`` it would stay what it is, so what is ``denied`` is made true or false.

    Raises:
        BadInput: a field does not exist, or a value cannot be compared with it.
    """
    if isinstance(where, Every):
        return and_(true(), *(condition_of(part, denied=denied) for part in where.parts))
    if isinstance(where, Some):
        return or_(false(), *(condition_of(part, denied=denied) for part in where.parts))
    if isinstance(where, Not):
        return not_(condition_of(where.part, denied=True))
    return _condition(where, denied=denied)


def _condition(where: Condition, *, denied: bool) -> ColumnElement[bool]:
    if where.operator is Operator.IN:
        _several(where)
    if where.field == "labels":
        return _label(where)
    if where.field.startswith("metadata."):
        return metadata_condition(where)
    compared: ColumnElement[bool] = _compared(_column(where), where)
    if where.operator is Operator.NE:  # as which alone a field without a value counts
        return func.coalesce(compared, true())
    return func.coalesce(compared, false()) if denied else compared


def _compared(column: Any, where: Condition) -> Any:
    value = where.value
    if where.operator is Operator.IN:
        return column.in_([_typed(where, each) for each in _several(where)])
    if where.operator is Operator.CONTAINS:
        if where.field in {*_TIMES, *_NUMBERS}:
            raise BadInput(f"{where.field} is no text, and contains nothing", hint="use eq or gt")
        return holds(column, _text(where))
    if value is None:
        return _absence(column, where)
    comparisons = {
        Operator.EQ: column.__eq__,
        Operator.NE: column.__ne__,
        Operator.GT: column.__gt__,
        Operator.GTE: column.__ge__,
        Operator.LT: column.__lt__,
        Operator.LTE: column.__le__,
    }
    return comparisons[where.operator](_typed(where, value))


def _absence(column: Any, where: Condition) -> Any:
    if where.operator is Operator.EQ:
        return column.is_(None)
    if where.operator is Operator.NE:
        return column.is_not(None)
    raise BadInput(
        f"{where.field} {where.operator} null compares with nothing", hint="use eq or ne with null"
    )


def _column(where: Condition) -> Any:
    if where.field not in FIELDS:
        names = ", ".join(sorted(FIELDS))
        message = f"there is no field {where.field!r} to filter by"
        raise BadInput(message, hint=f"there are: {names}, metadata.<key>")
    return cubes.c[where.field]


def _label(where: Condition) -> ColumnElement[bool]:
    if where.operator is Operator.CONTAINS:
        wanted = [_text(where)]
    elif where.operator is Operator.IN:
        wanted = [_label_text(each) for each in _several(where)]
    else:
        raise BadInput(f"labels cannot be compared by {where.operator}", hint="use contains, or in")
    return cubes.c.id.in_(select(labels.c.cube_id).where(labels.c.label.in_(wanted)))


def _label_text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise BadInput(f"a label is a text, not {shown(value)}")
    return value


def _typed(where: Condition, value: JsonValue) -> Any:
    if where.field in _TIMES:
        return _time(where, value)
    if where.field in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadInput(f"{where.field} is a whole number, not {shown(value)}")
        return min(max(value, -_LARGEST), _LARGEST)
    if not isinstance(value, str):
        raise BadInput(f"{where.field} is text and cannot be compared with {shown(value)}")
    return value


def _time(where: Condition, value: JsonValue) -> int:
    hint = "use ISO 8601, such as 2024-05-01 or 2024-05-01T12:00:00Z"
    if not isinstance(value, str):
        raise BadInput(
            f"{where.field} is a time and cannot be compared with {shown(value)}", hint=hint
        )
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise BadInput(f"{where.field}: {shown(value)} is not a time", hint=hint) from error
    return microseconds(time if time.tzinfo else time.replace(tzinfo=UTC))


def _several(where: Condition) -> Sequence[JsonValue]:
    if not isinstance(where.value, list) or not where.value:
        raise BadInput(f"{where.field} in needs a list of values, not {shown(where.value)}")
    return where.value


def _text(where: Condition) -> str:
    if not isinstance(where.value, str) or not where.value:
        raise BadInput(f"{where.field} contains needs a text, not {shown(where.value)}")
    return where.value
