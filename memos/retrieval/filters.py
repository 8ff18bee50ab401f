"""Reads a filter as applications write it: mappings of fields, operators and values.

{"labels": {"contains": "work"}, "metadata.topic": "travel"}         all must hold
{"or": [{"speaker": "Alice"}, {"not": {"created_at": {"lt": "2024-05-01"}}}]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue, TypeAdapter, ValidationError

from memos.cube.identity import canonical
from memos.errors import BadInput, UnknownOperator, shown
from memos.ports.filters import FIELDS, Condition, Every, Filter, Not, Operator, Some

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
_DEEPEST = 32
_MOST = 500


def read_filter(filters: object, *, depth: int = 0) -> Filter:
    """The filter that a mapping spells; None and an empty mapping admit everything.

    Raises:
        BadInput: it is not a mapping, or a field does not exist.
        UnknownOperator: an operator does not exist.
    """
    if filters is None:
        return Every(())
    if depth > _DEEPEST:
        raise BadInput(f"the filter is nested more than {_DEEPEST} deep", hint="make it flatter")
    if not isinstance(filters, Mapping):
        hint = 'a filter is a mapping such as {"speaker": "Alice"}'
        raise BadInput(f"{shown(filters)} is no filter", hint=hint)
    read = Every(tuple(_clause(name, value, depth + 1) for name, value in filters.items()))
    if depth == 0 and _conditions(read) > _MOST:
        message = f"the filter has {_conditions(read):,} conditions, at most {_MOST} are taken"
        raise BadInput(message, hint="name many values in one condition: {field: {in: [...]}}")
    return read


def _conditions(where: Filter) -> int:
    if isinstance(where, Condition):
        return 1
    if isinstance(where, Not):
        return _conditions(where.part)
    return sum(_conditions(part) for part in where.parts)


def _clause(name: object, value: object, depth: int) -> Filter:
    if name == "not":
        return Not(read_filter(value, depth=depth))
    if name in {"and", "or"}:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise BadInput(f"{name} needs a list of filters, not {shown(value)}")
        parts = tuple(read_filter(part, depth=depth) for part in value)
        return Every(parts) if name == "and" else Some(parts)
    field = _field(name)
    if isinstance(value, Mapping):
        if not value:
            raise BadInput(f"{field} is compared with nothing", hint=f"operators: {_operators()}")
        return Every(tuple(_condition(field, word, each) for word, each in value.items()))
    return _condition(field, Operator.CONTAINS if field == "labels" else Operator.EQ, value)


def _field(name: object) -> str:
    if isinstance(name, str) and (name in FIELDS or _is_metadata(name)):
        return name
    known = ", ".join(sorted(FIELDS))
    message = f"there is no field {shown(name)} to filter by"
    raise BadInput(message, hint=f"there are: {known}, metadata.<key>; and, or, not")


def _is_metadata(name: str) -> bool:
    first, *keys = name.split(".")
    return first == "metadata" and bool(keys) and all(keys)


def _condition(field: str, word: object, value: object) -> Condition:
    try:
        operator = Operator(str(word).removeprefix("$"))
    except ValueError as error:
        message = f"there is no operator {shown(word)} (on {field})"
        raise UnknownOperator(message, hint=f"there are: {_operators()}") from error
    try:
        checked = _JSON.validate_python(value)
        canonical([field, checked])  # refuses what JSON has no word for: NaN, half a surrogate pair
    except (ValidationError, ValueError, RecursionError) as error:
        message = f"{field} is compared with {shown(value)}, which is not JSON"
        raise BadInput(message, hint="use text, numbers, booleans, null or lists") from error
    return Condition(field, operator, checked)


def _operators() -> str:
    return ", ".join(Operator)
