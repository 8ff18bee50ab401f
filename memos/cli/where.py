"""Conditions as a person writes them on a command line, as the mapping that the SDK takes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from memos.errors import BadInput, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

_CONDITION = re.compile(r"\s*([A-Za-z_][\w.\- ]*?)\s*(!=|>=|<=|=|>|<|~)\s*(.*?)\s*", re.DOTALL)
_OPERATORS = {
    "=": "eq",
    "!=": "ne",
    ">": "gt",
    ">=": "gte",
    "<": "lt",
    "<=": "lte",
    "~": "contains",
}
_TIMES = frozenset({"created_at", "updated_at", "valid_from", "valid_to", "expires_at"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def filters(where: Sequence[str] | None, given: str | None) -> dict[str, JsonValue] | None:
    """Every ``--where`` and the ``--filter``, joined by and; None when there is neither.

    Raises:
        BadInput: one of them cannot be read.
    """
    parts = [
        _parsed(text, "--where") if text.lstrip().startswith("{") else condition(text)
        for text in where or ()
    ]
    if given is not None:
        parts.append(_parsed(given))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else {"and": list(parts)}


def condition(text: str) -> dict[str, JsonValue]:
    """One condition: a field, one of = != > >= < <= ~, and a value.

    >>> condition("metadata.topic=travel")
    {'metadata.topic': {'eq': 'travel'}}
    >>> condition("created_at>=2024-05-01")
    {'created_at': {'gte': '2024-05-01T00:00:00Z'}}

    Raises:
        BadInput: it has another form.
    """
    found = _CONDITION.fullmatch(text)
    if found is None or not found[3]:
        hint = "write FIELD=VALUE, or with != > >= < <=, or ~ for contains"
        raise BadInput(f"--where {shown(text)} is not a condition", hint=hint)
    field, sign, value = found[1], found[2], found[3]
    if field == "labels" and sign in {"=", "!="}:
        inside: dict[str, JsonValue] = {"labels": {"contains": value}}
        return inside if sign == "=" else {"not": inside}
    return {field: {_OPERATORS[sign]: _value(field, value)}}


def pairs(texts: Sequence[str] | None) -> dict[str, JsonValue]:
    """Metadata from ``KEY=VALUE`` texts; a value that is JSON is taken as JSON.

    Raises:
        BadInput: one of them has no ``=``.
    """
    found: dict[str, JsonValue] = {}
    for text in texts or ():
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise BadInput(
                f"--meta {shown(text)} is not KEY=VALUE", hint="such as --meta topic=travel"
            )
        found[key.strip()] = _scalar(value)
    return found


def _value(field: str, text: str) -> JsonValue:
    if field in _TIMES:
        return f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text
    if field == "version" or field.startswith("metadata."):
        return _scalar(text)
    return text


def _scalar(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float | str) or value is None else text


def _parsed(text: str, option: str = "--filter") -> dict[str, JsonValue]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{option} {shown(text)} is not JSON", hint=_FORM) from error
    if not isinstance(value, dict):
        raise BadInput(f"{option} {shown(text)} is not an object", hint=_FORM)
    return value


_FORM = 'such as {"labels": {"contains": "work"}}'
