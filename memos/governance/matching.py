"""Whether a cube meets a condition: pure, and the reference that storage must agree with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memos.cube import MemCube, Plaintext
from memos.errors import BadInput, shown
from memos.ports.filters import Condition, Every, Filter, Not, Operator, Some

if TYPE_CHECKING:
    from pydantic import JsonValue

    Found = JsonValue | datetime

_TIMES = frozenset({"created_at", "updated_at", "valid_from", "valid_to", "expires_at"})


def admits(where: Filter, cube: MemCube) -> bool:
    """Whether ``where`` holds for this version of a cube.

    Raises:
        BadInput: a value cannot be compared with its field.
    """
    if isinstance(where, Every):
        return all(admits(part, cube) for part in where.parts)
    if isinstance(where, Some):
        return any(admits(part, cube) for part in where.parts)
    if isinstance(where, Not):
        return not admits(where.part, cube)
    if where.field == "labels":
        return _labelled(where, cube)
    return compared(_value(where.field, cube), where)


def _labelled(where: Condition, cube: MemCube) -> bool:
    wanted = where.value if where.operator is Operator.IN else [where.value]
    if not isinstance(wanted, list):
        raise BadInput(f"labels in needs a list of values, not {shown(wanted)}")
    return any(label in wanted for label in cube.header.labels)


def _value(field: str, cube: MemCube) -> Found:
    header, payload = cube.header, cube.payload
    first, *keys = field.split(".")
    if first == "metadata":
        return _inside(header.metadata, keys)
    if field in {"speaker", "role", "position"}:
        return getattr(payload, field, None) if isinstance(payload, Plaintext) else None
    found: dict[str, Found] = {
        "id": cube.id,
        "kind": str(cube.kind),
        "state": str(cube.state),
        "title": header.title,
        "text": cube.text,
        "version": cube.version,
        "created_at": header.created_at,
        "updated_at": header.updated_at,
        "valid_from": header.valid_from,
        "valid_to": header.valid_to,
        "owner": header.governance.owner,
        "sensitivity": header.governance.sensitivity,
        "expires_at": header.governance.expires_at,
        "source": None if cube.provenance.source is None else cube.provenance.source.uri,
        **header.scope.model_dump(),
    }
    if field not in found:
        raise BadInput(f"there is no field {field!r} to filter by")
    return found[field]


def _inside(value: JsonValue, keys: list[str]) -> JsonValue:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def compared(found: Found, where: Condition) -> bool:
    """Whether the condition holds for what was found in its field."""
    operator, asked = where.operator, where.value
    if asked is None:
        return (found is None) == (operator is Operator.EQ)
    if found is None:
        return operator is Operator.NE
    if operator is Operator.IN:
        return isinstance(asked, list) and any(_same(found, _typed(where, one)) for one in asked)
    if operator is Operator.CONTAINS:
        return isinstance(found, str) and str(asked).lower() in found.lower()
    return _ordered(found, _typed(where, asked), operator)


def _same(found: Found, asked: Found) -> bool:
    return isinstance(found, bool) == isinstance(asked, bool) and found == asked


def _ordered(found: Found, asked: Found, operator: Operator) -> bool:
    if operator in {Operator.EQ, Operator.NE}:
        return _same(found, asked) == (operator is Operator.EQ)
    order = _order(found, asked)
    return (
        order is not None
        and {
            Operator.LT: order < 0,
            Operator.LTE: order <= 0,
            Operator.GT: order > 0,
            Operator.GTE: order >= 0,
        }[operator]
    )


def _order(found: Found, asked: Found) -> int | None:
    """Below zero where ``found`` comes first; None where the two have no order."""
    if isinstance(found, datetime) and isinstance(asked, datetime):
        return (found > asked) - (found < asked)
    if isinstance(found, str) and isinstance(asked, str):
        return (found > asked) - (found < asked)
    if _is_number(found) and _is_number(asked):
        return (found > asked) - (found < asked)  # type: ignore[operator]
    return None


def _is_number(value: Found) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _typed(where: Condition, value: JsonValue) -> Found:
    if where.field not in _TIMES or not isinstance(value, str):
        return value
    try:
        time = datetime.fromisoformat(value)
    except ValueError as error:
        raise BadInput(
            f"{where.field}: {shown(value)} is not a time", hint="use ISO 8601"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
