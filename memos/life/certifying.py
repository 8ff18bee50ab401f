"""The certificate of a forgetting: all that went, and what of it whoever asked may be told.

A cube that was derived from what one forgets goes along, also where one may not see it. The ledger
keeps the whole; ``told`` stands in it where less was told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memos.cube import EVERYBODY, Right
from memos.life.report import Tie

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from memos.governance.act import Act
    from memos.life.doom import Doom
    from memos.life.quarantine import Leftovers
    from memos.life.report import Forgotten, Verified
    from memos.ports.ledger import Certificate

UNKNOWN = "unknown"
"""The kind of a cube of which not even that can be read any more."""

_COUNTS = ("searched_bytes", "searched_files", "unsearchable", "unsearchable_vectors")


def body_of(
    gone: tuple[Sequence[Doom], Leftovers], rows: Mapping[str, int], told: Forgotten, act: Act
) -> dict[str, JsonValue]:
    """What a certificate records; ``told`` is what the caller is told of it."""
    doomed, left = gone
    # No digests: whoever guesses a short text could test the guess by its digest.
    cubes: list[JsonValue] = [
        _entry(cube.id, cube.kind, tie, because) for cube, tie, because in doomed
    ]
    cubes += [_entry(one.id, one.kind, Tie.QUARANTINED, one.because) for one in left.lost]
    whole: dict[str, JsonValue] = {
        "what": cubes,
        "rows": {**rows},
        "blobs": len(blobs_of(doomed, left)),
    }
    part = _part(whole, told)
    return {
        **whole,
        "when": act.at.isoformat(),
        "by": str(act.principal),
        "call": act.call,
        "reason": act.reason,
        "verified": None,
        **({} if part == whole else {"told": part}),
    }


def shown_to(certificate: Certificate, act: Act) -> Certificate | None:
    """The certificate as the principal may see it: whole, as it was told, or not at all."""
    if act.widened().reach(Right.ADMINISTER).covers(EVERYBODY):
        return certificate
    body = certificate.body
    # It names every cube that went: whoever finds an id of it has not been given a right by that.
    if not isinstance(body, dict) or body.get("by") != str(act.principal):
        return None
    told, verified = body.get("told"), body.get("verified")
    part = told if isinstance(told, dict) else {}
    proof = {**verified, **dict.fromkeys(_COUNTS)} if isinstance(verified, dict) else verified
    rest = {name: value for name, value in body.items() if name != "told"}
    return replace(certificate, body={**rest, **part, "verified": proof})


def proof_for(verified: Verified, act: Act) -> Verified:
    """How it was verified, without the numbers that tell of the memories of others."""
    if act.widened().reach(Right.ADMINISTER).covers(EVERYBODY):
        return verified
    return verified.model_copy(update=dict.fromkeys(_COUNTS))


def blobs_of(doomed: Sequence[Doom], left: Leftovers) -> set[str]:
    """The digests of all blobs that go."""
    return {digest for doom in doomed for digest in doom.cube.blobs} | left.blobs


def _entry(cube_id: str, kind: str | None, tie: Tie, because: str | None) -> dict[str, JsonValue]:
    return {"id": cube_id, "kind": str(kind or UNKNOWN), "tie": str(tie), "because": because}


def _part(whole: Mapping[str, JsonValue], told: Forgotten) -> dict[str, JsonValue]:
    cubes: list[JsonValue] = [_entry(one.id, one.kind, one.tie, one.because) for one in told.cubes]
    return {**whole, "what": cubes, "rows": {**told.rows}, "blobs": len(told.blobs)}
