"""KV and LoRA cubes: whether their bytes are there, and their sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube import Activation, Parametric
from memos.errors import CorruptionError
from memos.kinds.tensors import require_tensors, told
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memos.cube import MemCube
    from memos.life.checkup.census import Census
    from memos.life.checkup.findings import Findings
    from memos.ports.blobs import Blobs


def examine_blobs(
    census: Census, blobs: Blobs, findings: Findings, progress: Progress = silent
) -> None:
    """Tell of blobs that are missing, damaged, or not what the payload says that they are."""
    users: dict[str, list[tuple[MemCube, str]]] = {}
    for cube, body in census.derived.values():
        for digest in cube.blobs:
            users.setdefault(digest, []).append((cube, body))
    findings.checked["blobs"] = len(users)
    for number, digest in enumerate(sorted(users), start=1):
        code, message = _wrong(digest, users[digest][0][0], blobs)
        if code:
            findings.plan(code, digest, message)
            findings.aside.add(digest)
            for cube, body in users[digest]:
                findings.lose(cube.id, cube.version, message, body)
        progress("checking blobs", number, len(users))


def _wrong(digest: str, cube: MemCube, blobs: Blobs) -> tuple[str, str]:
    try:
        content = blobs.get(digest)
    except CorruptionError as error:
        missing = blobs.size_bytes(digest) is None
        return ("missing-blob" if missing else "damaged-blob"), error.message
    try:
        if isinstance(cube.payload, Activation | Parametric):
            require_tensors(told(cube.payload), content)
    except CorruptionError as error:
        return "unfit-blob", f"blob {digest} is not what cube {cube.id} says: {error.message}"
    return "", ""


def examine_sources(census: Census, findings: Findings) -> None:
    """Tell of derived cubes whose sources are gone, or will be; they go into quarantine, too."""
    left = {one: made for one, made in census.derived.items() if one not in findings.lost}
    while lost := _without_source(left, census, findings):
        for one, reason in lost.items():
            cube, body = left.pop(one)
            findings.plan("orphan-derivation", cube.id, f"cube {cube.id} {reason}")
            findings.lose(*one, reason, body)
            findings.aside.update(cube.blobs)


def _without_source(
    left: Mapping[tuple[str, int], tuple[MemCube, str]], census: Census, findings: Findings
) -> dict[tuple[str, int], str]:
    found = {}
    for one, (cube, _) in left.items():
        for parent in cube.provenance.parents:
            source = (parent.id, parent.version)
            if source not in census.versions or source in findings.lost:
                found[one] = f"was made from version {parent.version} of {parent.id}, which is gone"
    return found
