"""The system call that takes in whole sources: chats, documents, exports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from memos.cube import Governance, Right
from memos.cube.identity import canonical, digest_of
from memos.governance.scope import narrowed
from memos.governance.sensitivity import checked_sensitivity
from memos.ingest.drafting import drafted
from memos.ingest.files import read_file
from memos.ingest.formats import AUTO, Reading, read_content, read_format, read_messages
from memos.ingest.sentences import in_sentences
from memos.ingest.views import View, chosen, read_views
from memos.kernel.arguments import read_path, read_policy, require_flags
from memos.kernel.cubes import CubeCalls
from memos.kinds.drafts import Draft, checked_labels, checked_metadata, checked_text
from memos.kinds.times import read_time
from memos.life.expiry import read_expiry
from memos.life.ingesting import Ingestion, Plan
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pydantic import JsonValue

    from memos.governance.act import Act
    from memos.ingest.formats import Format
    from memos.ingest.report import Ingested
    from memos.kernel.handle import Whose
    from memos.life.once import Once

_NAME = 512
"""Characters of a name that a session gets from its source."""


class IngestCalls(CubeCalls):
    """Take in sources."""

    def ingest(  # noqa: PLR0913 - each of them is part of the contract
        self,
        source: str | Path | bytes | Mapping[str, Any] | Sequence[Any],
        *,
        format: str = AUTO,  # noqa: A002 - the name every user expects
        views: Sequence[str] = (),
        uri: str | None = None,
        timestamp: datetime | str | float | None = None,
        metadata: Mapping[str, JsonValue] | None = None,
        labels: Sequence[str] = (),
        ttl_seconds: float | None = None,
        expires_at: datetime | str | float | None = None,
        sensitivity: str = "normal",
        licence: str | None = None,
        supersede: str | None = None,
        dry_run: bool = False,
        progress: Progress = silent,
        **whose: Unpack[Whose],
    ) -> Ingested:
        """Remember a chat, a document or an export, and keep its structure.

        Turns, sessions, speakers, dates, headings and pages become fields. What was ingested from
        the same place of the same source is not stored again, so a run that was stopped may be
        repeated, and so may one over a source that has grown. A large source is stored batch by
        batch; a failure leaves the batches before it.

        Args:
            source: the path of a file; or bytes; or messages: mappings in the shapes of OpenAI,
                Anthropic or LangChain, or objects with ``type`` and ``content``; or a conversation.
            format: ``auto``, or one of ``memos.ingest.formats``.
            views: how the source is cut, of ``memos.ingest.views``; by default into turns,
                paragraphs or pages. Of several, the finest is read, the others derive from it.
            uri: which source it is, where that is not the path: one that grows needs the same
                again. Without it, bytes and messages are their own digest.
            timestamp: when it was said, for entries that do not tell.
            metadata: for all entries; ``view`` is ours.
            labels: for all entries.
            ttl_seconds: how long it counts.
            expires_at: or until when.
            sensitivity: ``public``, ``normal``, ``confidential`` or ``secret``.
            licence: under which licence it may be used.
            supersede: ``auto`` or ``never``; see ``add``. Of several views, the finest is compared.
            dry_run: only say what would become of it.
            progress: told of batches and of embedding.
            whose: whose memory it is, whatever the entries say.

        Returns:
            What became of every entry.

        Raises:
            BadInput: the source cannot be read at all, or is there already by another finest view.
            MissingLibrary: it is a PDF, and pypdf is not installed.
            Forbidden: outside the scope of this handle, or without the right to write there.
        """
        with self._act("ingest", Right.WRITE, **whose) as act:
            require_flags(dry_run=dry_run)
            outline = Draft(
                scope=self._home(act),
                said_at=None if timestamp is None else read_time(timestamp),
                metadata=checked_metadata(metadata or {}),
                labels=checked_labels(labels),
                governance=Governance(
                    sensitivity=checked_sensitivity(sensitivity),
                    expires_at=read_expiry(ttl_seconds, expires_at, act.at),
                    licence=None if licence is None else checked_text(licence, "the licence"),
                ),
            )
            policy = read_policy(supersede, self._parts.supersede)
            wanted, cut = read_format(format), read_views(views)
            named = None if uri is None else checked_text(uri, "the uri", most=_NAME)
            home, session, reading = _read(source, named, wanted)
            finest, derived = chosen(cut, reading.format)
            entries = in_sentences(reading.entries) if finest is View.SENTENCE else reading.entries
            made = drafted(entries, outline, uri=home, session=session[:_NAME], view=finest)
            for scope in dict.fromkeys(piece.draft.scope for piece in made.pieces):
                self._gate.require(act, narrowed(act.scope, scope))
            ingestion = Ingestion(
                Plan(home, reading.format, made, finest, derived, dry_run),
                catalog=self._parts.catalog,
                writer=self._writer,
                once=self._batch,
                relate=self._relater.related if policy == "auto" else None,
                progress=progress,
            )
            steps = ingestion.steps()
            for step in steps:
                with self._changing(act):
                    step(act)
                break
        for step in steps:
            with self._act("ingest", Right.WRITE, **whose) as act, self._changing(act):
                step(act)
        return ingestion.report()

    def _batch(self, key: str, act: Act) -> Once:
        return self._once(key, act, ["ingest"])


def _read(source: object, uri: str | None, wanted: Format | None) -> tuple[str, str, Reading]:
    """Where it is, what a session without a name is called, and what is in it."""
    if isinstance(source, str | Path):
        path = read_path(source).absolute()
        reading = read_content(read_file(path), path.as_posix(), wanted)
        session = uri or f"{path.parent.name}/{path.stem}"  # many a chat is called chat.txt
        return uri or path.as_uri(), session, reading
    if isinstance(source, bytes | bytearray):
        home = uri or f"sha256:{digest_of(bytes(source))}"
        return home, home, read_content(bytes(source), home, wanted)
    reading = read_messages(source)
    entries = list(reading.entries)
    said = [[entry.place, entry.message] for entry in entries]
    home = uri or f"sha256:{digest_of(canonical(said))}"
    return home, home, Reading(reading.format, entries)
