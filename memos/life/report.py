"""What calls about the whole store answer with."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from memos.cube import Kind, MemCube, Scope
from memos.cube.frozen import Frozen


class Tie(StrEnum):
    """How a cube that goes hangs on what was asked for."""

    ASKED = "asked"
    DERIVED = "derived"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"
    """Nothing is left of it but what is in quarantine."""


class Doomed(Frozen):
    """A cube that forgetting takes along, and why."""

    id: str
    kind: Kind | None
    """None where that cannot be read any more."""
    title: str
    """Empty for what is in quarantine: it is not what was written."""
    because: str | None
    """The id of the cube it is derived from or says the same as; None for what was asked for."""
    tie: Tie = Tie.ASKED


class Verified(Frozen):
    """How it was made sure that what was forgotten is gone."""

    how: str
    at: datetime
    searched_bytes: int | None = 0
    """Of all files of the store; this and what follows is None for whoever may not know of all."""
    searched_files: int | None = 0
    traces: tuple[str, ...] = ()
    """Where bytes of a forgotten text were found after all, and why; never the text."""
    unsearchable: int | None = 0
    """Texts and vectors that were not searched for, for to find them would prove nothing: texts
    too short, or all of whose pieces stand in texts that stay, and vectors of hardly but zeros.
    """
    unsearchable_vectors: int | None = 0
    """How many of these are vectors."""

    @property
    def gone(self) -> bool:
        """Whether nothing was found."""
        return not self.traces


class Forgotten(Frozen):
    """What was forgotten; in a dry run, what would be: of both, what one may read.

    What others have derived from it goes along unseen, and is counted in nothing here. The
    certificate names it, for whoever administers the store.
    """

    cubes: tuple[Doomed, ...]
    blobs: tuple[str, ...]
    """Digests of the blobs that go with them: attention states and adapters."""
    dry_run: bool
    rows: dict[str, int] = Field(default_factory=dict)
    """What else goes, by kind: versions, edges, index entries, grants, loaded blobs, and damaged
    versions in quarantine."""
    unread: int = 0
    """Damaged cubes in quarantine that cannot be read well enough to say whether they were meant,
    and stay; 0 for whoever does not administer the store."""
    certificate: str | None = None
    """The id of the certificate; None in a dry run, or where there was nothing to forget."""
    verified: Verified | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all the cubes, what was asked for and what hangs on it."""
        return tuple(doomed.id for doomed in self.cubes)


class Stats(Frozen):
    """How much there is."""

    folder: str | None
    cubes: dict[str, int]
    """By kind."""
    versions: int
    users: int
    edges: int
    audit_rows: int
    pending: int
    """Tasks that the outbox still owes the indexes; 0 when all is well."""
    words: int
    blobs: int
    blob_bytes: int
    blocks: int
    """Blocks of attention state on disk; in memory, where the store lies there."""
    block_bytes: int
    embedder: str
    """The embedding model the vectors were made by; empty before the first add."""

    @property
    def held(self) -> Stats:
        """The same less the journal, which grows with every call."""
        return self.model_copy(update={"audit_rows": 0})


class Problem(Frozen):
    """One thing that is not as it should be."""

    code: str
    """``missing-vector``, ``orphan-blob``, …: see docs/operations.md."""
    subject: str
    message: str
    repaired: bool = False
    """Whether it is none any more: it was mended, or what was damaged was taken out of the way."""
    quarantined: bool = False
    """Whether it was taken out of the way: it is in quarantine, and not served any more."""


class CheckReport(Frozen):
    """What ``check`` found; with repair, also what it mended."""

    problems: tuple[Problem, ...]
    checked: dict[str, int]
    """How many of each thing were looked at."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong any more; what went into quarantine is lost all the same."""
        return all(problem.repaired for problem in self.problems)


class Restored(Frozen):
    """A store that was made of a backup."""

    folder: str
    made_at: datetime
    """When the backup was taken."""
    cubes: int
    """How many it holds now."""
    forgotten: tuple[str, ...]
    """Ids that were forgotten again, because another store had forgotten them since."""
    check: CheckReport


class Moved(Frozen):
    """Where a cube's bytes lie."""

    id: str
    kind: Kind
    place: str
    """``disk`` or ``archive``; ``catalog`` for a text. Of a KV cube, the fastest of ``gpu``,
    ``ram``, ``disk`` and ``shared`` that has all its blocks; ``in part`` where none has all, and
    ``nowhere`` where none has any: they are made anew when they are needed."""
    blobs: tuple[str, ...]
    size_bytes: int
    """Of the content, however it is packed."""
    blocks: int = 0
    """How many blocks of attention state a KV cube is kept in."""
    places: dict[str, int] = Field(default_factory=dict)
    """By place, how many of these lie there."""


class Imported(Frozen):
    """What came in from a bundle."""

    cubes: tuple[MemCube, ...]
    skipped: tuple[str, ...]
    """Ids that were there already, with the same content."""


class BundleReport(Frozen):
    """What a bundle says of itself; all of it was verified, but that its maker tells the truth."""

    name: str
    version: str
    licence: str | None
    description: str
    created_at: datetime | None
    code: str
    """What wrote it."""
    format: int
    digest: str
    """The SHA-256 of its manifest, which names the digests of all the rest."""
    signer: str | None
    """The Ed25519 public key that signed it; None where nobody did."""
    cubes: dict[str, int]
    """By kind."""
    versions: int
    scopes: tuple[Scope, ...]
    """Whose its cubes are, where it comes from."""


class Installation(Frozen):
    """What installing a bundle did; in a dry run, what it would do."""

    namespace: str
    bundle: str
    """The SHA-256 of the bundle's manifest."""
    name: str
    version: str
    licence: str | None
    signer: str | None
    added: tuple[str, ...]
    """Ids of the cubes that are new here."""
    revised: tuple[str, ...]
    """Those that the bundle has changed since it was installed last."""
    kept: tuple[str, ...]
    """Those that it has not."""
    forgotten: Forgotten
    """What it no longer holds, with everything derived from that here."""
    left_out: tuple[str, ...]
    """Ids, in the bundle, of stale derivations, and of what was forgotten here by itself."""
    dry_run: bool


class AuditRow(Frozen):
    """One call, as the journal has it."""

    number: int
    at: datetime
    actor: str
    """The principal, such as ``user:alice``."""
    call: str
    scope: Scope
    subjects: tuple[str, ...]
    """Ids of the cubes that the call was about, and digests of the grants and the certificate that
    it wrote, such as ``grant:7:<SHA-256>``."""
    outcome: str
    """``ok``, ``dry run``, ``even held``, …, or the name of the error."""
    reason: str
    """What the caller gave as the purpose."""
    basis: str
    """What the right rested on: ``root``, ``owner``, ``grants``; empty where it was refused."""
    seal: str


class AuditReport(Frozen):
    """Whether the journal is what was written."""

    rows: int
    head: str
    """The newest seal: kept elsewhere, it tells later whether rows were cut off."""
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the chain holds."""
        return not self.problems


class Drawn(Frozen):
    """A fact that was drawn from memories."""

    id: str | None
    """Of its cube; None in a dry run."""
    text: str
    evidence: tuple[str, ...]
    """The words of the memories that it was drawn from."""
    sources: tuple[str, ...]
    """The ids of these memories."""


class Unproven(Frozen):
    """A claim that was refused, for its evidence does not say it."""

    text: str
    why: str
    sources: tuple[str, ...]


class Extracted(Frozen):
    """What was drawn from memories; in a dry run, what would be."""

    facts: tuple[Drawn, ...]
    refused: tuple[Unproven, ...]
    read: int
    """How many memories were read."""
    known: int
    """How many facts were drawn before, and are there already."""
    withheld: tuple[str, ...]
    """The ids of memories that were not shown to a remote model, as they are too sensitive."""
    by: str
    """Which model, or code, drew them."""
    dry_run: bool
