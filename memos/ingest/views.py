"""The views of a source: which there are, and how the larger are put together from the smallest.

    chats        turn        window      session
    documents    sentence    paragraph   section
    PDF          page

The finest view that is asked for is what is read; every other is derived from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from memos.errors import BadInput, shown
from memos.ingest.formats import Format

if TYPE_CHECKING:
    from collections.abc import Hashable

    from memos.ports.segmenter import Segment, Segmenter, Unit


class View(StrEnum):
    """What a cube holds of its source."""

    TURN = "turn"
    WINDOW = "window"
    SESSION = "session"
    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"
    SECTION = "section"
    PAGE = "page"


_CHAT = (View.TURN, View.WINDOW, View.SESSION)
_DOCUMENT = (View.SENTENCE, View.PARAGRAPH, View.SECTION)
_VIEWS: Mapping[Format, tuple[View, ...]] = {
    Format.JSON: _CHAT,
    Format.SLACK: _CHAT,
    Format.WHATSAPP: _CHAT,
    Format.TEXT: _DOCUMENT,
    Format.MARKDOWN: _DOCUMENT,
    Format.PDF: (View.PAGE,),
}
"""Finest first."""
_USUAL = (View.TURN, View.PARAGRAPH, View.PAGE)
WINDOW, STEP = 6, 3
"""Turns in a window, and from one window to the next."""


def read_views(views: object) -> tuple[View, ...]:
    """The views of these names, each once; none means the usual one.

    Raises:
        BadInput: they are no sequence of names of views.
    """
    if isinstance(views, str) or not isinstance(views, Sequence | set | frozenset):
        raise BadInput(f"views is {shown(views)}", hint='pass a list, such as ["turn", "session"]')
    for one in views:
        if not isinstance(one, str) or one not in set(View):
            raise BadInput(f"there is no view {shown(one)}", hint=f"there are: {', '.join(View)}")
    return tuple(dict.fromkeys(View(one) for one in views))


def chosen(views: Iterable[View], form: Format) -> tuple[View, tuple[View, ...]]:
    """The view that is read of a source, and those that are derived from it, finest first.

    A turn, a paragraph or a page is read even where only larger views were asked for: these are
    made of it.

    Raises:
        BadInput: a source of this format has no such view.
    """
    there = _VIEWS[form]
    wanted = set(views)
    other = sorted(wanted - set(there))
    if other:
        message = f"a source in {form} has no view {str(other[0])!r}"
        raise BadInput(message, hint=f"it has: {', '.join(there)}")
    usual = next(one for one in there if one in _USUAL)
    finest = View.SENTENCE if View.SENTENCE in wanted else usual
    return finest, tuple(one for one in there if one in wanted and one is not finest)


def windows(size: int = WINDOW, step: int = STEP) -> Segmenter:
    """Runs of ``size`` turns of a conversation, each ``step`` after the one before.

    The last one ends with the conversation; a conversation that is shorter is one window.
    """

    def segments(units: Sequence[Unit]) -> list[Segment]:
        found: list[Segment] = []
        for turns in _conversations(units):
            last = max(0, len(turns) - size)
            starts = [*range(0, last, step), last]
            found += [turns[start : start + size] for start in starts]
        return found

    return segments


def sessions(units: Sequence[Unit]) -> list[Segment]:
    """The turns of each conversation."""
    return _conversations(units)


def paragraphs(units: Sequence[Unit]) -> list[Segment]:
    """The sentences of each paragraph."""
    return _grouped(units, lambda unit: unit.block)


def sections(units: Sequence[Unit]) -> list[Segment]:
    """The pieces that stand under the same headings, one after the other."""
    found: list[list[int]] = []
    for place, unit in enumerate(units):
        if not found or units[found[-1][-1]].headings != unit.headings:
            found.append([])
        found[-1].append(place)
    return [tuple(one) for one in found]


SEGMENTERS: Mapping[View, Segmenter] = {
    View.WINDOW: windows(),
    View.SESSION: sessions,
    View.PARAGRAPH: paragraphs,
    View.SECTION: sections,
}


def _conversations(units: Sequence[Unit]) -> list[Segment]:
    spoken = [place for place, unit in enumerate(units) if unit.conversation]
    grouped = _grouped([units[place] for place in spoken], lambda unit: unit.conversation)
    return [tuple(spoken[place] for place in group) for group in grouped]


def _grouped(units: Sequence[Unit], of: Callable[[Unit], Hashable]) -> list[Segment]:
    groups: dict[Hashable, list[int]] = {}
    for place, unit in enumerate(units):
        groups.setdefault(of(unit), []).append(place)
    return [tuple(group) for group in groups.values()]
