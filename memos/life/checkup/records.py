"""What is known beside the cubes: edges, receipts, the ledger and the journal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from memos.errors import CorruptionError
from memos.life.places import PLACES
from memos.ports.graph import Relation
from memos.ports.ledger import Installed, Placed

if TYPE_CHECKING:
    from collections.abc import Collection

    from memos.life.checkup.census import Census
    from memos.life.checkup.findings import Findings
    from memos.ports.graph import Edge
    from memos.ports.journal import Journal
    from memos.ports.ledger import Ledger
    from memos.ports.repairs import Repairs


def examine_edges(census: Census, repairs: Repairs, findings: Findings) -> None:
    """Tell of edges that no cube tells of, or that are missing, or lead nowhere."""
    for edge in census.missing:
        # Where the parent itself is gone, there is nothing for the edge to lead to.
        if edge.relation is not Relation.DERIVED or edge.target in census.ids:
            findings.plan("missing-edge", edge.source, f"there is no edge {_said(edge)}")
            findings.link.append(edge)
    for edge in census.wrong:
        findings.plan("wrong-edge", edge.source, f"no cube says {_said(edge)}")
        findings.unlink.append(edge)
    known = {_said(edge) for edge in census.wrong}
    for number, said in repairs.loose_edges().items():
        if said not in known:
            findings.plan("wrong-edge", said.partition(" ")[0], f"the edge {said} leads nowhere")
        findings.drop_edges.append(number)


def examine_receipts(repairs: Repairs, findings: Findings) -> None:
    """Tell of receipts that cannot be read."""
    for key in repairs.broken_receipts():
        findings.plan("damaged-receipt", key, f"the receipt of key {key!r:.60} cannot be read")
        findings.drop_receipts = True


def examine_ledger(
    census: Census, ledger: Ledger, referred: Collection[str], findings: Findings
) -> None:
    """Tell of what the ledger says about cubes and blobs that are not so."""
    forgotten = {one.cube_id for one in ledger.tombstones()}
    for cube_id in sorted(forgotten & census.ids):
        message = f"cube {cube_id} was forgotten, and is there; forget it again"
        findings.tell("forgotten-cube", cube_id, message)
    for bundle in ledger.installed():
        _examine_bundle(bundle, census.ids | forgotten, findings)
    _examine_places(ledger, referred, findings)
    for snapshot in ledger.snapshots():
        if snapshot.at > findings.at:
            message = f"snapshot {snapshot.name!r} names {snapshot.at}, which has not come yet"
            findings.tell("snapshot-in-future", snapshot.name, message)


def _examine_places(ledger: Ledger, referred: Collection[str], findings: Findings) -> None:
    for digest, place in sorted(ledger.places().items()):
        if digest not in referred or place not in PLACES:
            message = f"blob {digest} is said to be in {place!r}, and nothing refers to it there"
            findings.plan("place-of-nothing", digest, message)
            findings.also.append(Placed(digest, "disk"))


def examine_journal(journal: Journal, findings: Findings, *, repair: bool) -> None:
    """Tell where the chain of the audit rows does not hold; nothing ever mends that."""
    unguarded = journal.unguarded()
    if unguarded and repair:
        journal.guard()
    for name in unguarded:
        message = f"the trigger {name} is not there, or is another: rows could be changed"
        findings.tell("unguarded-journal", name, message, repaired=repair)
    try:
        broken = journal.broken()
    except CorruptionError as error:
        broken = [error.message]
    for message in broken:
        findings.tell("broken-journal", "audit", message)


def _examine_bundle(bundle: Installed, known: Collection[str], findings: Findings) -> None:
    left = tuple(pair for pair in bundle.cubes if pair[0] in known)
    if left != bundle.cubes:
        gone = next(here for here, _ in bundle.cubes if here not in known)
        message = f"{bundle.namespace!r} was installed with cube {gone}, which is not there"
        findings.plan("installed-nothing", bundle.namespace, message)
        findings.also.append(replace(bundle, cubes=left))


def _said(edge: Edge) -> str:
    return f"{edge.source} {edge.relation} {edge.target}"
