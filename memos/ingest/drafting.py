"""From the entries of a source to drafts: whose, when, in which conversation, from which place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from memos.cube import Source
from memos.errors import BadInput
from memos.ingest.report import Remark
from memos.ingest.whole import marked
from memos.kinds.drafts import Origin, read_drafts
from memos.ports.segmenter import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memos.ingest.entry import Entry
    from memos.kinds.drafts import Draft


@dataclass(frozen=True, slots=True)
class Piece:
    """A draft, and what a segmenter has to know of it."""

    draft: Draft
    source: Source
    unit: Unit
    gap: str


@dataclass(slots=True)
class Drafted:
    """A source, drafted."""

    pieces: list[Piece] = field(default_factory=list)
    unread: list[Remark] = field(default_factory=list)
    left_out: list[Remark] = field(default_factory=list)
    empty: int = 0


def drafted(
    entries: Iterable[Entry], outline: Draft, *, uri: str, session: str, view: str
) -> Drafted:
    """A draft for each entry that can be read; of the others, why not.

    Args:
        entries: what a reader found.
        outline: what holds where an entry does not say otherwise. Whose it is, where the outline
            says that, an entry does not change.
        uri: where the source is; a conversation of an export has its own.
        session: the conversation of turns that name none.
        view: which view of the source the entries are.
    """
    made = Drafted()
    counts: dict[str, int] = {}
    for entry in entries:
        home = entry.uri or uri
        number = counts.get(home, 0)
        counts[home] = number + 1
        made.left_out += [Remark(place=entry.place, reason=one) for one in entry.left_out]
        if entry.is_empty:
            made.empty += 1
        elif entry.message is None:
            made.unread.append(Remark(place=entry.place, reason=entry.problem))
        else:
            source = Source(uri=home, span=entry.span or (number, number + 1))
            try:
                draft = _draft(entry, outline, session)
            except BadInput as error:
                made.unread.append(Remark(place=entry.place, reason=error.message))
                continue
            made.pieces.append(_piece(entry, draft, source, view))
    return made


def _draft(entry: Entry, outline: Draft, session: str) -> Draft:
    named = outline.scope.named()
    message = {name: one for name, one in (entry.message or {}).items() if name not in named}
    (draft,) = read_drafts([message], outline)
    spoken = bool(draft.role or draft.speaker or draft.scope.session_id)
    turn = entry.turn and spoken
    if turn and draft.scope.session_id is None:
        scope = draft.scope.model_copy(update={"session_id": session})
        draft = replace(draft, scope=scope)
    return replace(draft, turn=turn)


def _piece(entry: Entry, draft: Draft, source: Source, view: str) -> Piece:
    origin = Origin(source)
    draft = replace(draft, metadata=marked(draft.metadata, view), origin=origin)
    conversation = f"{source.uri} {draft.scope.model_dump_json()}" if draft.turn else ""
    unit = Unit(draft.text, conversation, entry.headings, entry.block)
    return Piece(draft, source, unit, entry.gap)
