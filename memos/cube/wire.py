"""A cube's bytes: JSON with a format number. Blobs travel beside it, never inside.

{"format":1,"cube":{...}}              to_json: for other programs; the payload has its digest
{"format":1,"cube":{...},"sum":"..."}  to_sealed_json: as it lies on disk, where any bit may flip
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import ValidationError

from memos.cube.cube import MemCube
from memos.cube.frozen import Frozen
from memos.cube.identity import canonical, digest_of
from memos.cube.payload import Digest
from memos.errors import BadInput, CorruptionError

if TYPE_CHECKING:
    from memos.cube.payload import Payload

FORMAT = 1
"""The number of the format that :func:`to_json` writes."""


_BEFORE = f'{{"format":{FORMAT},"cube":'
_AFTER = ',"sum":"{}"}}'


class _Line(Frozen):
    format: int
    cube: MemCube
    sum: Digest | None = None


def to_json(cube: MemCube) -> str:
    """The cube as one line of JSON."""
    return f"{_BEFORE}{cube.model_dump_json()}}}"


def to_sealed_json(cube: MemCube) -> str:
    """The same with a SHA-256 over the cube as it is written here, header and all."""
    told = cube.model_dump_json()
    return _BEFORE + told + _AFTER.format(digest_of(told.encode()))


def from_json(line: str | bytes) -> MemCube:
    """The cube that :func:`to_json` or :func:`to_sealed_json` wrote.

    Raises:
        BadInput: the line is not a cube, or of another format.
        CorruptionError: the payload does not have the digest that the header names, or the line
            not the one that stands at its end.
    """
    try:
        read = _Line.model_validate_json(line)
    except TypeError as error:  # a damaged row of SQLite may hold a number
        raise BadInput(f"not a cube: {line!r:.60}", hint="expected one cube a line") from error
    except ValidationError as error:
        raise _explained(line, error) from error
    if read.format != FORMAT:
        raise _other_format(read.format)
    cube = read.cube
    if payload_digest(cube.payload) != cube.header.digest or cube.kind != cube.payload.kind:
        message = f"cube {cube.id} does not have the content that its header names"
        raise CorruptionError(message, hint="memos check finds what else is damaged")
    if read.sum is not None and not _sealed(line, read.sum):
        message = f"cube {cube.id} is not what was written"
        raise CorruptionError(message, hint="memos check finds what else is damaged")
    return cube


def salvaged(line: str) -> MemCube | None:
    """The cube that a damaged line still tells of, whatever it was; None where it tells of none."""
    try:
        return _Line.model_validate_json(line).cube
    except ValidationError:
        return None


def payload_digest(payload: Payload) -> str:
    """The SHA-256 of a payload's canonical JSON."""
    return digest_of(canonical(payload.model_dump(mode="json")))


def _sealed(line: str | bytes, digest: str) -> bool:
    content = line.encode() if isinstance(line, str) else line
    before, after = _BEFORE.encode(), _AFTER.format(digest).encode()
    framed = content.startswith(before) and content.endswith(after)
    return framed and digest_of(content[len(before) : -len(after)]) == digest


def _explained(line: str | bytes, error: ValidationError) -> BadInput:
    text = line if isinstance(line, str) else line.decode(errors="replace")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return BadInput(f"not JSON: {text[:60]!r}", hint="expected one cube a line")
    if not isinstance(content, dict) or "format" not in content:
        return BadInput(f"not a cube: {text[:60]!r}", hint="expected an object with 'format'")
    if content["format"] != FORMAT:
        return _other_format(content["format"])
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return BadInput(f"not a cube: {place}: {first['msg']}", hint="see docs/vocabulary.md")


def _other_format(number: object) -> BadInput:
    return BadInput(f"cube format {number!r} is unknown", hint=f"this version reads {FORMAT}")
