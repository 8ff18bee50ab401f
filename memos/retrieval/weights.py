"""How much each feature counts, by the form of the candidate; benchmarks/ranking.py fits them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TIME = 1.0
"""Of the times that are asked about, where no development set asks by date: a third of what was
fitted for turns, set by hand."""

WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "turn": {
        "vectors": 0.307,
        "vectors1": 0.11,
        "vectors2": 0.317,
        "words": -0.067,
        "kin": 0.17,
        "cover": 0.822,
        "words2": 0.128,
        "cover1": 1.044,
        "cover2": 1.802,
        "previous": -0.056,
        "next": -0.107,
        "answers": 0.103,
        "answers_near": 0.276,
        "session_cover": 0.616,
        "session_words": 0.391,
        "session_vectors": 0.125,
        "speaker": 0.972,
        "other_speaker": -0.972,
        "when": 1.387,
        "many": 0.276,
        "where": 0.464,
        "time": 2.971,
        "asks": -0.458,
        "asks_within": 0.104,
        "self": 0.472,
        "length": 0.403,
    },
    "message": {
        "time": TIME,
        "vectors": 0.593,
        "vectors1": 0.192,
        "vectors2": -0.188,
        "words": 0.148,
        "kin": 0.449,
        "cover": 0.039,
        "words2": 0.091,
        "cover1": -0.124,
        "cover2": -0.388,
        "previous": -0.011,
        "next": 0.165,
        "answers": 0.041,
        "answers_near": 0.054,
        "session_cover": 0.0,
        "session_words": 0.0,
        "session_vectors": 0.0,
        "speaker": 0.0,
        "other_speaker": 0.0,
        "when": -0.169,
        "many": 0.598,
        "where": 0.027,
        "asks": -0.058,
        "asks_within": -0.053,
        "self": 0.418,
        "length": -0.843,
    },
    "passage": {
        "time": TIME,
        "vectors": 0.387,
        "words": 0.184,
        "kin": -0.16,
        "cover": 0.102,
        "walk": 1.565,
        "linked": 1.496,
        "linking": -0.522,
        "together": 1.912,
        "title": 0.741,
    },
    "note": {
        "time": TIME,
        "vectors": 0.719,
        "words": -0.079,
        "kin": 0.437,
        "cover": 0.055,
        "when": -0.054,
        "many": -0.153,
        "where": 0.068,
        "asks": -0.274,
        "asks_within": 0.169,
        "self": 0.289,
        "length": 0.181,
        "walk": 0.592,
        "linked": 0.0,
        "linking": 0.0,
        "together": 0.0,
    },
}

WITHOUT_TOKENS = WEIGHTS
