"""A condition on metadata as SQL: JSON values, each compared with its own kind only.

A number is never equal to a text, nor before or after it; a truth value is no number. What the
path does not lead to is null.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, func, literal, not_, or_

from memos.errors import BadInput, shown
from memos.ports.filters import Condition, Operator
from memos.stores.tables import cubes

if TYPE_CHECKING:
    from pydantic import JsonValue

_NUMBERS = ("integer", "real")
_WHOLE = 1 << 63
"""Whole numbers from here on are kept as floats, by SQLite and so by us."""


def metadata_condition(where: Condition) -> ColumnElement[bool]:
    """The SQL for a condition on ``metadata.<key>``; never null.

    Raises:
        BadInput: the value cannot be compared in that way, or the key cannot be written as a path.
    """
    element = _Element(where)
    if where.operator is Operator.IN:
        several = where.value if isinstance(where.value, list) else []
        return or_(*(element.equals(value) for value in several if value is not None))
    if where.operator is Operator.CONTAINS:
        return element.contains(where.value)
    if where.operator is Operator.EQ:
        return element.equals(where.value)
    if where.operator is Operator.NE:
        return not_(element.equals(where.value))
    return element.stands(where.operator, where.value)


class _Element:
    """What the path leads to: its kind, as SQLite names it, and its value."""

    def __init__(self, where: Condition) -> None:
        self._field = where.field
        keys = where.field.split(".")[1:]
        if any('"' in key or "\\" in key for key in keys):
            message = f"{shown(where.field, 80)} has a quotation mark or a backslash in its name"
            raise BadInput(message, hint="filter by another field")
        # SQLite compares the name with the one in the JSON as it is spelled there: in ASCII.
        path = "$" + "".join(f".{json.dumps(key)}" for key in keys)
        self._kind: Any = func.coalesce(func.json_type(cubes.c.metadata, path), "null")
        self._value: Any = func.json_extract(cubes.c.metadata, path)

    def equals(self, value: JsonValue) -> ColumnElement[bool]:
        if value is None or isinstance(value, bool):
            kinds = {None: "null", True: "true", False: "false"}
            spelled: ColumnElement[bool] = self._kind == kinds[value]
            return spelled
        return self._compared(value, self._value == self._typed(value))

    def contains(self, value: JsonValue) -> ColumnElement[bool]:
        if not isinstance(value, str) or not value:
            raise BadInput(f"{self._field} contains needs a text, not {value!r}")
        return self._compared(value, holds(self._value, value))

    def stands(self, operator: Operator, value: JsonValue) -> ColumnElement[bool]:
        if value is None or isinstance(value, bool):
            message = f"{self._field} {operator} {value!r} compares with nothing"
            raise BadInput(message, hint="use eq or ne")
        typed = self._typed(value)
        comparisons = {
            Operator.GT: self._value > typed,
            Operator.GTE: self._value >= typed,
            Operator.LT: self._value < typed,
            Operator.LTE: self._value <= typed,
        }
        return self._compared(value, comparisons[operator])

    def _compared(self, value: JsonValue, comparison: Any) -> ColumnElement[bool]:
        kinds = ("text",) if isinstance(value, str) else _NUMBERS
        return func.coalesce(and_(self._kind.in_(kinds), comparison), literal(value=False))

    def _typed(self, value: JsonValue) -> Any:
        if isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
            return _float(self._field, value)
        if not isinstance(value, str | int | float):
            message = f"{self._field} cannot be compared with {shown(value, 80)}"
            raise BadInput(message, hint="use a text, a number, true, false or null")
        return value


def holds(column: Any, text: str) -> Any:
    """Whether a text contains another, whatever the case of either."""
    return func.instr(func.lower(column), text.lower()) > 0


def _float(field: str, value: int) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise BadInput(f"{field} is compared with a number of {value.bit_length()} bits") from error
