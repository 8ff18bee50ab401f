"""Evidence for the tests of ranking, made without a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from memos.ports.outlines import Outline
from memos.ports.words import Match
from memos.retrieval.evidence import Evidence, Met, Named
from memos.retrieval.question import Question

if TYPE_CHECKING:
    from collections.abc import Sequence


def outline(
    one: str,
    text: str = "a text",
    *,
    position: int | None = None,
    speaker: str | None = None,
    session: str | None = None,
    user: str | None = None,
    at: int | None = None,
) -> Outline:
    """A memory as ranking sees it; a turn where it has a position."""
    return Outline(
        id=one,
        kind="plaintext",
        state="activated",
        user_id=user,
        agent_id=None,
        session_id=session,
        position=position,
        speaker=speaker,
        text=text,
        length=len(text),
        valid_from=at,
        valid_to=None,
    )


def turns(*texts: str, speakers: str = "", session: str = "s") -> list[Outline]:
    """A conversation; of each turn the initial of who speaks, where it is told."""
    return [
        outline(
            f"turn {place}",
            text,
            position=place,
            speaker=speakers[place] if speakers else None,
            session=session,
        )
        for place, text in enumerate(texts)
    ]


def evidence(
    question: str,
    outlines: Sequence[Outline],
    *,
    cosines: Sequence[float] | None = None,
    shares: Sequence[Sequence[float]] | None = None,
    rareness: Sequence[float] = (1.0,),
    named: Named | None = None,
    count: int | None = None,
    tokens: Sequence[Sequence[float]] | None = None,
    terms: Sequence[str] | None = None,
) -> Evidence:
    """What is known; turns of one session with positions that follow each other are linked."""
    rows = {(each.session_id, each.position): row for row, each in enumerate(outlines)}
    before, after = np.full(len(outlines), -1), np.full(len(outlines), -1)
    for row, each in enumerate(outlines):
        following = (
            None if each.position is None else rows.get((each.session_id, each.position + 1))
        )
        if following is not None:
            after[row], before[following] = following, row
    had = np.zeros((len(outlines), len(rareness))) if shares is None else np.array(shares, float)
    had = had.reshape(len(outlines), len(rareness))
    scores = had @ np.array(rareness)
    met = {each.id: near for each, near in zip(outlines, tokens or (), strict=False)}
    return Evidence(
        question=Question.read(question),
        outlines=outlines,
        count=len(outlines) if count is None else count,
        cosines=np.zeros(len(outlines)) if cosines is None else np.array(cosines, float),
        match=Match(had, scores, scores),
        rareness=np.array(rareness),
        terms=[f"term {column}" for column in range(len(rareness))] if terms is None else terms,
        before=before,
        after=after,
        meet=lambda ids: (
            Met(np.array([met[one] for one in ids], float), np.zeros(len(ids))) if met else None
        ),
        named=named or Named(),
    )


TEXTS = st.sampled_from(["Where is it?", "In May.", "I have two.", "Ann saw Lisbon. Why?", ""])
OUTLINES = st.builds(
    outline,
    st.just(""),
    TEXTS,
    position=st.none() | st.integers(0, 4),
    speaker=st.sampled_from([None, "Ann", "Bob"]),
    session=st.sampled_from([None, "s", "t"]),
    at=st.none() | st.integers(-9, 9),
)
NAMES = st.dictionaries(st.sampled_from("xyz"), st.floats(0.1, 3), max_size=3)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Anything that may be known of a few memories, some of which only stand beside others."""
    drawn = draw(st.lists(OUTLINES, max_size=6))
    outlines = [each._replace(id=f"m{row}") for row, each in enumerate(drawn)]
    size = len(outlines)
    count = draw(st.integers(0, size))
    rareness = draw(st.lists(st.floats(0.1, 5), max_size=3))
    share = st.lists(st.floats(0, 1), min_size=len(rareness), max_size=len(rareness))
    names = draw(st.lists(NAMES, min_size=count, max_size=count))
    titles = [draw(st.sampled_from([None, *sorted(each)])) for each in names]
    named = Named(names, titles, frozenset(draw(st.sets(st.sampled_from("xyz")))))
    near = st.lists(st.floats(-1, 1), min_size=2, max_size=2)
    tokens = draw(st.none() | st.lists(near, min_size=size, max_size=size))
    return evidence(
        draw(st.sampled_from(["Where does Ann live now?", "When, and how many?", "bob", ""])),
        outlines,
        cosines=draw(st.lists(st.floats(-1, 1), min_size=size, max_size=size)),
        shares=draw(st.lists(share, min_size=size, max_size=size)),
        rareness=rareness,
        named=draw(st.sampled_from([named, Named()])),
        count=count,
        tokens=tokens if size else None,
    )
