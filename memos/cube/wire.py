"""A cube's bytes: JSON with a format number. Blobs travel beside it, never inside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from memos.cube.cube import MemCube
from memos.cube.identity import canonical, digest_of
from memos.errors import BadInput, CorruptionError

if TYPE_CHECKING:
    from memos.cube.payload import Payload

FORMAT = 1
"""The number of the format that :func:`to_json` writes."""


def to_json(cube: MemCube) -> str:
    """The cube as one line of JSON."""
    return json.dumps({"format": FORMAT, **cube.model_dump(mode="json")}, ensure_ascii=False)


def from_json(line: str | bytes) -> MemCube:
    """The cube that :func:`to_json` wrote.

    Raises:
        BadInput: the line is not a cube, or of another format.
        CorruptionError: the payload does not have the digest that the header names.
    """
    try:
        content = json.loads(line)
    except ValueError as error:
        raise BadInput(f"not JSON: {_start(line)!r}", hint="expected one cube a line") from error
    if not isinstance(content, dict) or "format" not in content:
        raise BadInput(f"not a cube: {_start(line)!r}", hint="expected an object with 'format'")
    number = content.pop("format")
    if number != FORMAT:
        raise BadInput(f"cube format {number!r} is unknown", hint=f"this version reads {FORMAT}")
    try:
        cube = MemCube.model_validate_json(json.dumps(content))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"not a cube: {place}: {first['msg']}"
        raise BadInput(message, hint="see docs/vocabulary.md") from error
    if payload_digest(cube.payload) != cube.header.digest or cube.kind != cube.payload.kind:
        raise CorruptionError(f"cube {cube.id} does not have the content its header names")
    return cube


def payload_digest(payload: Payload) -> str:
    """The SHA-256 of a payload's canonical JSON."""
    return digest_of(canonical(payload.model_dump(mode="json")))


def _start(line: str | bytes) -> str:
    text = line if isinstance(line, str) else line.decode(errors="replace")
    return text[:60]
