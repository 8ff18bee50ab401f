"""Facts that have changed, as one case: does a search find what holds now?

{"id", "subject", "relation", "old", "new", "question", "context": "... [ENTITY] ..."}

All contexts are remembered with the old value, then all again, years later, with the new one, under
their subject as a title where the file tells it: one context in twenty does not name what it is
about. The evidence of a question is the newer of its two memories. All facts share one memory
space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from memos.errors import shown
from memos.evaluation.case import Case, Memory, Question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

_PLACE = "[ENTITY]"
_TIMES = {"old": "2018-01-01T00:00:00+00:00", "new": "2024-01-01T00:00:00+00:00"}
_FIELDS = ("old", "new", "question", "context")


def is_fact(value: dict[str, JsonValue]) -> bool:
    """Whether a line is one of such a file."""
    return "memories" not in value and {"old", "new", "context"} <= value.keys()


def facts_case(
    rows: Sequence[tuple[str, dict[str, JsonValue]]], name: str
) -> tuple[Case, list[str]]:
    """The case of all facts, each with its place in the file, and what is wrong with the others."""
    problems, questions = [], []
    remembered: dict[str, list[Memory]] = {"old": [], "new": []}
    for place, row in rows:
        said = {field: row.get(field) for field in _FIELDS}
        if not _are_texts(said):
            lacking = next(field for field, value in said.items() if not _is_text(value))
            problems.append(f"{place}: {lacking} is {shown(said[lacking])}, not a text")
            continue
        if _PLACE not in said["context"]:
            problems.append(f"{place}: no {_PLACE} in the context {shown(said['context'])}")
            continue
        for age, memories in remembered.items():
            text = said["context"].replace(_PLACE, said[age]).strip()
            message: dict[str, JsonValue] = {"text": text, "timestamp": _TIMES[age]}
            if _is_text(row.get("subject")):
                message["title"] = row["subject"]
            memories.append(Memory(f"{place}/{age}", message))
        questions.append(Question(place, said["question"], (f"{place}/new",)))
    both = (*remembered["old"], *remembered["new"])
    return Case(name, name, both, tuple(questions)), problems


def _are_texts(said: dict[str, JsonValue]) -> TypeGuard[dict[str, str]]:
    return all(_is_text(value) for value in said.values())


def _is_text(value: JsonValue) -> bool:
    return isinstance(value, str) and bool(value.strip())
