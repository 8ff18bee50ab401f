"""What is measured of each candidate before it is weighed: pure.

A feature is an array [candidates]. What comes from a list without a scale of its own is scaled
among the candidates; what is a share, or yes or no, stays as it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from memos.cube.identity import made_at
from memos.kinds.whens import When, spans_in
from memos.retrieval import traits
from memos.retrieval.around import beside, meant, most, united, windows
from memos.retrieval.evidence import Evidence, coverage, scaled
from memos.retrieval.times import closeness
from memos.retrieval.walk import walked

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from memos.ports.outlines import Outline
    from memos.retrieval.evidence import Numbers, Rows

    Features = dict[str, Numbers]

_SEEDS = 10
"""So many of the best candidates lead to what they name."""
_STARTS = 20
"""And from so many a walk over names begins."""
_SHARP = 5.0
"""How much more than others the tokens count that come nearest."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEAREST = 3
"""So many of a session's nearest turns say how near it is."""


def features(evidence: Evidence, wanted: Collection[str] | None = None) -> Features:
    """The features of every candidate.

    Args:
        evidence: what is known of them.
        wanted: which features are of use; of the others, those that cost something are left out.
            None for all.
    """
    direct = direct_score(evidence)
    found = _direct(evidence) | _form(evidence, wanted) | _answers(evidence, wanted)
    if _turns(evidence).any():
        found |= _around(evidence, direct) | _session(evidence) | _speaker(evidence)
    if any(evidence.named.mentions) or any(evidence.named.titles):
        found |= _names(evidence, direct[: evidence.count])
    if evidence.times:
        found["time"] = np.array(
            [_timely(evidence.times, each) for each in evidence.outlines[: evidence.count]]
        )
    if evidence.question.newest:
        found["recent"] = _recent(evidence.outlines[: evidence.count])
    return found


def direct_score(evidence: Evidence) -> Numbers:
    """[outlines]: nearness of meaning and sameness of words, on one scale each, added."""
    return scaled(evidence.cosines) + scaled(evidence.match.kin_scores)


def _direct(evidence: Evidence) -> Features:
    count = evidence.count
    return {
        "vectors": scaled(evidence.cosines[:count]),
        "words": scaled(evidence.match.scores[:count]),
        "kin": scaled(evidence.match.kin_scores[:count]),
        "cover": evidence.covered[:count],
    }


def met_features(evidence: Evidence, rows: Rows) -> Features:
    """What the question's tokens find in the texts of some candidates, and of turns around them.

    What they find in all of these tells little, and counts for less. The other candidates are
    taken for the least of them. Nothing where no tokens are known.
    """
    wide = windows(evidence, 2) if _turns(evidence).any() else []
    near = np.unique([*rows, *chain.from_iterable(at[rows][at[rows] >= 0] for at in wide)])
    met = evidence.meet([evidence.outlines[row].id for row in near]) if len(rows) else None
    if met is None:
        return {}
    tokens = np.full((len(evidence.outlines), met.tokens.shape[1]), -1.0)
    mark = np.zeros(len(evidence.outlines))
    tokens[near], mark[near] = met.tokens, met.mark
    telling = 1 - tokens[rows].mean(axis=0)
    found = {
        "tokens": tokens[rows] @ telling,
        "tokens_best": np.log(np.exp(_SHARP * tokens[rows]).mean(axis=1)),
        "mark": mark[rows],
    }
    if wide:
        found["tokens2"] = most(tokens, wide)[rows] @ telling
    return {name: _spread(scaled(values), rows, evidence) for name, values in found.items()}


def _spread(values: Numbers, rows: Rows, evidence: Evidence) -> Numbers:
    """The values of these rows, and for the other candidates the least of them."""
    all_of_them = np.full(evidence.count, values.min())
    all_of_them[rows] = values
    return all_of_them


def _form(evidence: Evidence, wanted: Collection[str] | None) -> Features:
    lengths = np.array([each.length for each in evidence.outlines[: evidence.count]], float)
    traits_told = {
        "asks": traits.asks,
        "asks_within": traits.asks_within,
        "self": traits.tells_of_self,
    }
    told = {
        name: _told(evidence, trait)
        for name, trait in traits_told.items()
        if wanted is None or name in wanted
    }
    return {**told, "length": scaled(np.log1p(lengths))}


def _answers(evidence: Evidence, wanted: Collection[str] | None) -> Features:
    """Whether a candidate has the kind of thing that is asked for."""
    question, none = evidence.question, np.zeros(evidence.count)
    answers = {
        "when": (question.when, traits.tells_time),
        "many": (question.many, traits.tells_number),
        "where": (question.where, traits.names_something),
    }
    return {
        name: _told(evidence, trait) if is_asked and (wanted is None or name in wanted) else none
        for name, (is_asked, trait) in answers.items()
    }


def _told(evidence: Evidence, trait: Callable[[str], bool]) -> Numbers:
    return np.array([trait(each.text) for each in evidence.outlines[: evidence.count]], float)


def _timely(asked: Sequence[When], outline: Outline) -> float:
    """How near in time a candidate is to what is asked about, in [0, 1]."""
    if outline.valid_from is None:
        return 0.0
    said = _EPOCH + timedelta(microseconds=outline.valid_from)
    return closeness(asked, spans_in(outline.text, anchor=said), said)


def _recent(outlines: Sequence[Outline]) -> Numbers:
    """The place in time of each among the others: from 0, the oldest, to 1, the newest.

    What was said at one time has one place. What has no such time is as old as its record.
    """
    times = [made_at(each.id) if each.valid_from is None else each.valid_from for each in outlines]
    said = sorted({time for time in times if time is not None})
    places = dict(zip(said, np.linspace(1, 0, len(said))[::-1].tolist(), strict=True))
    return np.array([0.0 if time is None else places[time] for time in times])


def _turns(evidence: Evidence) -> Rows:
    return np.array([each.position is not None for each in evidence.outlines[: evidence.count]])


def _around(evidence: Evidence, direct: Numbers) -> Features:
    count, shares = evidence.count, evidence.match.shares
    near, wide = windows(evidence, 1), windows(evidence, 2)
    least = direct.min() if len(direct) else 0.0
    asked = np.array([traits.asks(each.text) for each in evidence.outlines], float)
    asked_before = beside(asked, evidence.before, 0.0)
    previous = beside(direct, evidence.before, least)
    return {
        "vectors1": scaled(meant(evidence.cosines, near)[:count]),
        "vectors2": scaled(meant(evidence.cosines, wide)[:count]),
        "words2": scaled(meant(evidence.match.scores, wide)[:count]),
        "cover1": coverage(united(shares, near)[:count], evidence.rareness),
        "cover2": coverage(united(shares, wide)[:count], evidence.rareness),
        "previous": scaled(previous[:count]),
        "next": scaled(beside(direct, evidence.after, least)[:count]),
        "answers": asked_before[:count],
        "answers_near": (asked_before * scaled(previous))[:count],
    }


def _session(evidence: Evidence) -> Features:
    """What the candidates of a session say together; a memory of no session is one by itself."""
    codes: dict[object, int] = {}
    outlines = evidence.outlines[: evidence.count]
    session = np.array(
        [
            codes.setdefault(
                each.id
                if each.session_id is None
                else (each.user_id, each.agent_id, each.session_id),
                len(codes),
            )
            for each in outlines
        ],
        np.intp,
    )
    count, cosines = evidence.count, evidence.cosines[: evidence.count]
    shares = np.zeros((len(codes), evidence.match.shares.shape[1]))
    np.maximum.at(shares, session, evidence.match.shares[:count])
    best = np.full(len(codes), -np.inf)
    np.maximum.at(best, session, evidence.match.scores[:count])
    nearest = np.array(
        [np.sort(cosines[session == code])[-_NEAREST:].mean() for code in range(len(codes))]
    )
    return {
        "session_cover": coverage(shares, evidence.rareness)[session],
        "session_words": scaled(best[session]),
        "session_vectors": scaled(nearest[session]),
    }


def _speaker(evidence: Evidence) -> Features:
    """Whether the one who speaks is named in the question, or somebody else who speaks is."""
    speakers = [each.speaker for each in evidence.outlines[: evidence.count]]
    named = {name: evidence.question.names(name) for name in set(speakers)}
    spoken = np.array([named[name] for name in speakers])
    return {
        "speaker": spoken.astype(float),
        "other_speaker": (~spoken & spoken.any()).astype(float),
    }


# --- names --------------------------------------------------------------------------------------


def _names(evidence: Evidence, direct: Numbers) -> Features:
    named, count = evidence.named, evidence.count
    order = np.argsort(-direct, kind="stable")
    force = np.exp(direct - direct.max()) if count else direct
    start = np.zeros(count)
    start[order[:_STARTS]] = force[order[:_STARTS]]
    asked = np.array([title in named.asked for title in named.titles], float)
    by_asked = np.array(
        [
            sum(weight for name, weight in each.items() if name in named.asked)
            for each in named.mentions
        ]
    )
    walk = walked(named.mentions, _share(start) + _share(by_asked))
    seeds = [(int(row), float(force[row])) for row in order[:_SEEDS]]
    seeds += [(int(row), 1.0) for row in np.flatnonzero(asked) if row not in order[:_SEEDS]]
    return {
        "walk": scaled(np.log(walk + 1e-6)),
        "title": asked,
        **_links(evidence, seeds),
    }


def _share(start: Numbers) -> Numbers:
    total = start.sum()
    return start / total if total > 0 else start


def _links(evidence: Evidence, seeds: Iterable[tuple[int, float]]) -> Features:
    """What good candidates name in their texts, what names them, and what they say together."""
    named, count = evidence.named, evidence.count
    titled: dict[str, list[int]] = {}
    naming: dict[str, list[int]] = {}
    for row in range(count):
        if title := named.titles[row]:
            titled.setdefault(title, []).append(row)
        for name in named.mentions[row]:
            naming.setdefault(name, []).append(row)
    linked, linking, together = np.zeros(count), np.zeros(count), np.zeros(count)
    shares = evidence.match.shares[:count]
    for seed, force in seeds:
        title = named.titles[seed]
        to = [row for name in named.mentions[seed] if name != title for row in titled.get(name, ())]
        by = [row for row in naming.get(title, ()) if row != seed] if title else []
        linked[to] = np.maximum(linked[to], force)
        linking[by] = np.maximum(linking[by], force)
        rows = list(dict.fromkeys(chain(to, by)))
        union = coverage(np.maximum(shares[rows], shares[seed]), evidence.rareness)
        together[rows] = np.maximum(together[rows], union * (1 + force) / 2)
    return {"linked": linked, "linking": linking, "together": together}
