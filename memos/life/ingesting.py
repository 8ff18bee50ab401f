"""A source on its way into the store, batch by batch, each a transaction of its own.

    pieces --batches--> cubes of the finest view --segments--> cubes of the others, derived

What was stored from the same place of the same source is found again, and not stored twice: so a
run that was killed goes on where it was, and a source that has grown adds what is new. A receipt
for each batch says what was there once: what was forgotten since is not brought back.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from memos.cube import Kind, MemCube, Plaintext
from memos.cube.header import FINDABLE
from memos.cube.identity import canonical, digest_of
from memos.errors import BadInput
from memos.governance.scope import inherited, joint
from memos.ingest.report import Duplicate, Ingested, Remark
from memos.ingest.views import SEGMENTERS
from memos.ingest.whole import VIEW, whole
from memos.kinds.drafts import TEXT_LIMIT, Draft, Origin
from memos.ports.catalog import Selection
from memos.ports.filters import EVERYTHING, Condition, Every, Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from memos.cube import Scope
    from memos.governance.act import Act
    from memos.ingest.drafting import Drafted, Piece
    from memos.ingest.views import View
    from memos.life.once import Once
    from memos.life.writing import Relate, Writer
    from memos.ports.catalog import Catalog
    from memos.ports.progress import Progress
    from memos.ports.segmenter import Segment, Segmenter

BATCH = 256
"""Pieces in a transaction. It is the same for everybody: batches are known again by what is in
them."""
_SEGMENTS = 64
"""Segments in a transaction."""
_MANY = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done with a source."""

    source: str
    format: str
    drafted: Drafted
    finest: View
    derived: tuple[View, ...]
    dry_run: bool
    segmenters: Mapping[View, Segmenter] = field(default_factory=lambda: SEGMENTERS)


class Ingestion:
    """One source; ``steps`` are taken one after the other, each by an act of its own."""

    def __init__(
        self,
        plan: Plan,
        *,
        catalog: Catalog,
        writer: Writer,
        once: Callable[[str, Act], Once],
        relate: Relate | None,
        progress: Progress,
    ) -> None:
        self._plan = plan
        self._catalog = catalog
        self._writer = writer
        self._once = once
        self._relate = relate
        self._progress = progress
        self._known: dict[tuple[str, bool], dict[str, str]] = {}
        self._ids: list[str | None] = []
        self._new: list[str] = []
        self._counts: Counter[str] = Counter()
        self._views: Counter[str] = Counter()
        self._duplicates: list[Duplicate] = []
        self._left_out = list(plan.drafted.left_out)

    def steps(self) -> Iterator[Callable[[Act], None]]:
        """The transactions: first the pieces, then each view that is derived from them."""
        pieces = self._plan.drafted.pieces
        for start in range(0, len(pieces), BATCH):
            yield partial(self._store, pieces[start : start + BATCH])
            self._progress("ingesting", min(start + BATCH, len(pieces)), len(pieces))
        for view in self._plan.derived:
            segments = self._segments(view)
            for start in range(0, len(segments), _SEGMENTS):
                yield partial(self._derive, view, segments[start : start + _SEGMENTS])
                done = min(start + _SEGMENTS, len(segments))
                self._progress(f"deriving each {view}", done, len(segments))

    def report(self) -> Ingested:
        """What has become of the source so far."""
        drafted = self._plan.drafted
        return Ingested(
            source=self._plan.source,
            format=self._plan.format,
            ids=tuple(self._new),
            views=dict(self._views),
            already=self._counts["already"],
            forgotten=self._counts["forgotten"],
            duplicates=tuple(self._duplicates),
            unread=tuple(drafted.unread),
            left_out=tuple(self._left_out),
            empty=drafted.empty,
            dry_run=self._plan.dry_run,
        )

    def _store(self, pieces: Sequence[Piece], act: Act) -> None:
        drafts = [piece.draft for piece in pieces]
        self._ids += self._settled(drafts, self._plan.finest, act)

    def _segments(self, view: View) -> list[Segment]:
        """The segments of a view, as places of pieces; of those that are there."""
        pieces = self._plan.drafted.pieces
        there = [
            place
            for place in range(len(pieces))
            if self._plan.dry_run or self._ids[place] is not None
        ]
        found = self._plan.segmenters[view]([pieces[place].unit for place in there])
        return [tuple(there[one] for one in segment) for segment in found]

    def _derive(self, view: View, segments: Sequence[Segment], act: Act) -> None:
        if self._plan.dry_run:
            self._views[view] += len(segments)
            return
        wanted = {self._ids[place] for segment in segments for place in segment}
        cubes = {
            cube.id: cube
            for cube in self._catalog.find_all(sorted(filter(None, wanted)))
            if cube.state in FINDABLE
        }
        made = [self._whole(view, segment, cubes) for segment in segments]
        drafts = [draft for draft in made if draft is not None]
        self._settled(drafts, view, act)

    def _whole(self, view: View, segment: Segment, cubes: Mapping[str, MemCube]) -> Draft | None:
        pieces = self._plan.drafted.pieces
        there = [place for place in segment if self._ids[place] in cubes]
        if not there:
            return None
        parts = [cubes[str(self._ids[place])] for place in there]
        spans = [pieces[place].source.span or (place, place + 1) for place in there]
        draft = whole(
            view,
            parts,
            gaps=[pieces[place].gap for place in there],
            span=(min(first for first, _ in spans), max(last for _, last in spans)),
            scope=joint(parts),
            governance=inherited([one.header.governance for one in parts]),
        )
        if len(draft.text) > TEXT_LIMIT:
            reason = f"{len(draft.text):,} characters, at most {TEXT_LIMIT:,} are taken"
            self._left_out.append(
                Remark(place=f"a {view} from entry {there[0] + 1}", reason=reason)
            )
            return None
        return draft

    def _settled(self, drafts: Sequence[Draft], view: View, act: Act) -> list[str | None]:
        """The cube of each draft, there already or new; None for what was forgotten since."""
        if not drafts:
            return []
        keys = [_key(draft) for draft in drafts]
        once = self._once(f"ingest/{digest_of(canonical([view, *keys]))}", act)
        before = once.answer is not None
        ids = [
            self._at(draft, act, before=before).get(key)
            for draft, key in zip(drafts, keys, strict=True)
        ]
        fresh = [place for place, there in enumerate(ids) if there is None]
        self._counts["already"] += len(ids) - len(fresh)
        if before:
            self._counts["forgotten"] += len(fresh)
        elif fresh:
            new = self._written([drafts[place] for place in fresh], view, once, act)
            for place, cube_id in zip(fresh, new, strict=True):
                ids[place] = cube_id
                if cube_id is not None:
                    self._at(drafts[place], act, before=before)[keys[place]] = cube_id
        return ids

    def _written(
        self, drafts: Sequence[Draft], view: View, once: Once, act: Act
    ) -> Sequence[str | None]:
        earlier = self._earlier(drafts, act) if view is self._plan.finest else {}
        self._views[view] += len(drafts)
        if self._plan.dry_run:
            self._duplicates += [Duplicate(id="", of=of) for of in earlier.values()]
            return [None] * len(drafts)
        marked = [_same_as(draft, earlier.get(place)) for place, draft in enumerate(drafts)]
        relate = self._relate if view is self._plan.finest else None
        made = self._writer.add(marked, once, act=act, relate=relate, progress=self._progress)
        self._duplicates += [Duplicate(id=made[place].id, of=of) for place, of in earlier.items()]
        self._new += [cube.id for cube in made]
        return [cube.id for cube in made]

    def _at(self, draft: Draft, act: Act, *, before: bool) -> dict[str, str]:
        """The cubes that are there from the draft's source, by their keys.

        Whoever has stored this batch ``before`` knows of them; anybody else, as far as it may read.
        """
        uri = _uri(draft)
        if (uri, before) not in self._known:
            from_there = Condition("source", Operator.EQ, uri)
            seen = EVERYTHING if before else act.visible()
            selection = Selection(
                scope=act.scope, where=Every((from_there, seen)), kinds=(Kind.PLAINTEXT,)
            )
            cubes = self._catalog.select(selection)
            self._require_same_view(uri, cubes)
            self._known[uri, before] = {self._key_of(cube): cube.id for cube in reversed(cubes)}
        return self._known[uri, before]

    def _require_same_view(self, uri: str, cubes: Sequence[MemCube]) -> None:
        finest = self._plan.finest
        views = {str(cube.metadata.get(VIEW, finest)) for cube in cubes if _is_finest(cube)}
        other = sorted(views - {str(finest)})
        if other:
            message = f"{uri} is there already by {other[0]}, and was to be read by {finest}"
            raise BadInput(message, hint="forget it first, or give it another uri")

    def _key_of(self, cube: MemCube) -> str:
        """The key of the draft that the cube was born from."""
        first = self._catalog.find(cube.id, 1) if cube.content_version > 1 else cube
        payload = cube.payload if first is None else first.payload
        if not isinstance(payload, Plaintext):
            return ""
        draft = Draft(
            payload.text,
            cube.scope,
            payload.speaker,
            payload.role,
            metadata=cube.metadata,
            origin=Origin(cube.provenance.source, cube.provenance.parents),
        )
        return _key(draft)

    def _earlier(self, drafts: Sequence[Draft], act: Act) -> dict[int, str]:
        """Which of the drafts say what an earlier cube from elsewhere says, and which it is."""
        found: dict[tuple[str | None, ...], MemCube] = {}
        texts = sorted({draft.text for draft in drafts})
        for start in range(0, len(texts), _MANY):
            same = Condition("text", Operator.IN, [*texts[start : start + _MANY]])
            where = Every((act.asked(same), act.visible()))
            selection = Selection(scope=act.scope, where=where, kinds=(Kind.PLAINTEXT,))
            for cube in self._catalog.select(selection):
                if not cube.provenance.parents:
                    found.setdefault(_saying(cube.scope, cube.speaker, cube.text), cube)
        earlier = {}
        for place, draft in enumerate(drafts):
            before = found.get(_saying(draft.scope, draft.speaker, draft.text))
            if before is not None and _source_of(before) != _uri(draft):
                earlier[place] = before.id
        return earlier


def _key(draft: Draft) -> str:
    """What a draft is known again by: its place, and what is said there or what it is made of."""
    origin = draft.origin or Origin(None)
    span = None if origin.source is None else origin.source.span
    if origin.parents:
        parents = [[one.id, one.version] for one in origin.parents]
        said = [draft.metadata.get(VIEW), span, parents]
    else:
        said = [span, draft.text, draft.speaker, draft.role]
    return digest_of(canonical([_uri(draft), draft.scope.named(), said]))


def _uri(draft: Draft) -> str:
    source = None if draft.origin is None else draft.origin.source
    return "" if source is None else source.uri


def _source_of(cube: MemCube) -> str | None:
    return None if cube.provenance.source is None else cube.provenance.source.uri


def _saying(scope: Scope, speaker: str | None, text: str) -> tuple[str | None, ...]:
    return (scope.user_id, scope.agent_id, speaker, text)


def _is_finest(cube: MemCube) -> bool:
    """Whether the cube was read, and not put together from others."""
    return cube.content_version == 1 and not cube.provenance.parents


def _same_as(draft: Draft, earlier: str | None) -> Draft:
    origin = draft.origin
    if earlier is None or origin is None:
        return draft
    return replace(draft, origin=replace(origin, duplicates=earlier))
