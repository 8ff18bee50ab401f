"""What is recorded beside cubes, as a terminal shows it: grants, calls, forgettings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError
from rich.console import Group
from rich.text import Text

from memos.cli.output import clean, one_line
from memos.cli.tables import counted, doomed_table, facts_table, plain_table, size, tie
from memos.errors import CorruptionError
from memos.life.report import Verified

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from rich.console import RenderableType
    from rich.table import Table

    from memos import AuditRow, Forgotten, Grant, Scope
    from memos.ports.ledger import Certificate, Tombstone

_NUMBER = {"no_wrap": True, "justify": "right"}
_ID = {"no_wrap": True, "style": "cyan"}
_WHEN = {"no_wrap": True}
_WHO = {"overflow": "fold", "max_width": 20}
_REST = {"ratio": 1, "overflow": "fold"}


class _Gone(BaseModel):
    """A cube in the body of a certificate."""

    id: str
    kind: str
    tie: str
    because: str | None = None


class _Body(BaseModel):
    """The body of a certificate, as far as people read it."""

    what: list[_Gone]
    rows: dict[str, int]
    blobs: int
    by: str
    reason: str
    verified: Verified | None = None


def grants_table(grants: Sequence[Grant]) -> Table:
    """Who may do what, where; below it by whom it was given, and until when."""
    table = plain_table(
        ("no.", _NUMBER), ("who", _WHO), ("may", {"no_wrap": True}), ("what", _REST)
    )
    for one in grants:
        until = "" if one.expires_at is None else f", until {_second(one.expires_at)}"
        what = Text(clean(_target(one)))
        what.append(f"\nby {clean(one.granted_by)}, {_second(one.at)}{until}", style="dim")
        table.add_row(str(one.number), one_line(one.principal), str(one.right), what)
    return table


def journal_table(rows: Sequence[AuditRow]) -> Table:
    """One call a line; below it why, where a reason was given."""
    table = plain_table(("no.", _NUMBER), ("when", _WHEN), ("who", _WHO), ("what", _REST))
    for row in rows:
        what = Text(row.call)
        if row.outcome != "ok":
            what.append(f" {clean(row.outcome)}", style="yellow")
        if row.subjects:
            what.append(f", {_subjects(row.subjects)}")
        if row.scope.named():
            what.append(f", {clean(_whose(row.scope))}", style="dim")
        if row.reason:
            what.append(f"\n{one_line(row.reason)}", style="dim")
        table.add_row(str(row.number), _second(row.at), one_line(row.actor), what)
    return table


def tombstones_table(stones: Sequence[Tombstone]) -> Table:
    """One forgotten cube a line; below it its certificate."""
    table = plain_table(
        ("cube, certificate", _ID), ("kind", {"no_wrap": True}), ("when, by", _REST)
    )
    for stone in stones:
        ids = Text(clean(stone.cube_id)).append(f"\n{clean(stone.certificate)}", style="dim")
        when = Text(_second(stone.at)).append(f"\n{one_line(stone.by)}", style="dim")
        table.add_row(ids, stone.kind, when)
    return table


def certificates_table(certificates: Sequence[Certificate]) -> Table:
    """One forgetting a line."""
    table = plain_table(("id", _ID), ("when", _WHEN), ("what", _REST))
    for one in certificates:
        body = _read(one)
        what = f"{counted(len(body.what), 'cube')}, {_verdict(body.verified)}"
        table.add_row(
            Text(one.id).append(f"\nby {one_line(body.by)}", "dim"), _second(one.at), what
        )
    return table


def certificate_page(certificate: Certificate) -> RenderableType:
    """One certificate as a document: what, when, by whom, why, verified how."""
    body = _read(certificate)
    facts = {
        "certificate": certificate.id,
        "forgotten": f"{_second(certificate.at)} UTC",
        "by": body.by,
        "reason": body.reason or "none was given",
        **_went(body.rows, body.blobs),
        **_verification(body.verified),
    }
    table = plain_table(("cube", _ID), ("kind", {"no_wrap": True}), ("why", {"no_wrap": True}))
    for gone in body.what:
        table.add_row(gone.id, gone.kind, tie(gone.tie, gone.because))
    return Group(facts_table(facts), "", table)


def forgotten_table(forgotten: Forgotten) -> RenderableType:
    """What goes, and what goes with it; when it has gone, the certificate instead of the list."""
    facts = {
        **_went(forgotten.rows, len(forgotten.blobs)),
        "certificate": forgotten.certificate or "",
        **(_verification(forgotten.verified) if forgotten.verified else {}),
    }
    told = facts_table({name: value for name, value in facts.items() if value})
    return Group(doomed_table(forgotten.cubes), "", told) if forgotten.dry_run else told


def _went(rows: Mapping[str, int], blobs: int) -> dict[str, str]:
    counts = {**rows, "blobs": blobs}
    return {name: f"{count:,}" for name, count in counts.items() if count}


def _verification(verified: Verified | None) -> dict[str, str]:
    if verified is None:
        return {"verified": "no: it was not asked for"}
    skipped, files = _skipped(verified), verified.searched_files
    told = {
        "verified": f"{_second(verified.at)} UTC, {verified.how}",
        "searched": f"{size(verified.searched_bytes or 0)} in {counted(files or 0, 'file')}",
        "not searched": skipped,
        "found": "nothing" if verified.gone else "\n".join(verified.traces),
    }
    unsaid = {*(() if files else ("searched",)), *(() if skipped else ("not searched",))}
    return {name: value for name, value in told.items() if name not in unsaid}


def _skipped(verified: Verified) -> str:
    vectors = verified.unsearchable_vectors or 0
    texts = (verified.unsearchable or 0) - vectors
    parts = [
        f"{counted(texts, 'text')}, too short or part of what stays" if texts else "",
        f"{counted(vectors, 'vector')}, all but empty" if vectors else "",
    ]
    return "; ".join(part for part in parts if part)


def _verdict(verified: Verified | None) -> str:
    if verified is None:
        return "not verified"
    return "verified" if verified.gone else f"{counted(len(verified.traces), 'trace')} found"


def _read(certificate: Certificate) -> _Body:
    try:
        return _Body.model_validate(certificate.body)
    except ValidationError as error:
        message = f"certificate {certificate.id} is not what was written"
        raise CorruptionError(message, hint="restore a copy of the store") from error


def _target(grant: Grant) -> str:
    if grant.cube_id is not None:
        return f"cube {grant.cube_id}"
    where = _whose(grant.scope) or "everything"
    return where if grant.label is None else f"{where}, label {grant.label}"


def _whose(scope: Scope) -> str:
    return ", ".join(f"{name.removesuffix('_id')} {value}" for name, value in scope.named().items())


def _subjects(ids: Sequence[str]) -> str:
    return f"cube …{ids[0][-6:]}" if len(ids) == 1 else counted(len(ids), "cube")


def _second(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"
