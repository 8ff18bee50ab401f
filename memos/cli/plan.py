"""What the demo tells its story on: a conversation, and what to ask about it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from memos.errors import BadInput
from memos.ingest.conversation import conversation
from memos.ingest.message import Unreadable, message
from memos.ingest.records import read
from memos.kinds.entities import mentions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import JsonValue

SHIPPED = "demo_conversation.jsonl"
"""The conversation that comes along, in this package."""
USER = "demo"
"""Whose memory all of it is: a LoRA is made for one user."""
LIMIT = 600
"""Messages of a file that the demo takes."""

_TAUGHT = (
    "I adopted a dog called Biscuit",
    "I moved to Lisbon on Tuesday",
    "I have finished the course. I work as a baker",
    "No more Edinburgh. Rosa works as an architect",
    "My brother Emil is a carpenter",
    "I moved house too, in a way. I adopted a cat",
)


@dataclass(frozen=True, slots=True)
class Query:
    """A question, and the ``source_id`` of each message that answers it, where that is known."""

    question: str
    gold: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """A conversation and what to do with it."""

    source: str
    """Where the messages came from."""
    messages: Sequence[Mapping[str, JsonValue]]
    left_out: int
    """Messages beyond the first ``LIMIT``."""
    queries: tuple[Query, ...]
    changed: Query
    """The last search: a fact that has changed since."""
    revised: tuple[str, str] | None
    """The beginning of the message to revise and its new text; None for the best hit."""
    recalled: Query
    """What the model is asked with memories, as text and as attention state."""
    memories: int
    """How many memories it gets."""
    facts: int
    """How many memories are trained into a LoRA."""
    taught: tuple[str, ...] = ()
    """Their beginnings; empty for the newest ones that state something plainly."""


def planned(data: Path | None, *, fast: bool) -> Plan:
    """The plan for a file, or for the shipped conversation.

    Raises:
        BadInput: the file cannot be read, or holds no message.
    """
    if data is None:
        return _of_shipped(fast=fast)
    try:
        content = data.read_bytes()
    except OSError as error:
        raise BadInput(f"{data} cannot be read: {error.strerror}", hint="name a file") from error
    case = _case(content)
    if case is None:
        found = [entry.message for entry in read(content) if entry.message is not None]
        return _of_messages(data, found, (), fast=fast)
    messages = [_readable(one) for one in conversation(case) or ()]
    return _of_messages(data, [one for one in messages if one], _queries(case), fast=fast)


def _of_shipped(*, fast: bool) -> Plan:
    content = files("memos.cli").joinpath(SHIPPED).read_bytes()
    messages = [entry.message for entry in read(content) if entry.message is not None]
    queries = (
        Query("What is the name of Nadia's dog?"),
        Query("What is Nadia allergic to?"),
        Query("How fast did Theo finish the marathon?"),
    )
    return Plan(
        source=f"memos:{SHIPPED}",
        messages=messages,
        left_out=0,
        queries=queries[:1] if fast else queries,
        changed=Query("Where does Nadia live?"),
        revised=("I live in a tiny flat", "Until October I lived in a tiny flat"),
        recalled=Query("Where did Nadia move to?"),
        memories=8 if fast else 20,
        facts=3 if fast else 6,
        taught=_TAUGHT[:3] if fast else _TAUGHT,
    )


def _of_messages(
    data: Path,
    messages: Sequence[Mapping[str, JsonValue]],
    queries: tuple[Query, ...],
    *,
    fast: bool,
) -> Plan:
    if not messages:
        raise BadInput(f"no message in {data} can be read", hint="memos add -f FILE --dry-run")
    taken = messages[:LIMIT]
    asked = queries or _about_names(taken)
    return Plan(
        source=data.resolve().as_uri(),
        messages=taken,
        left_out=len(messages) - len(taken),
        queries=asked[:1] if fast else asked[:3],
        changed=asked[-1],
        revised=None,
        recalled=asked[0],
        memories=8 if fast else 20,
        facts=3 if fast else 6,
    )


def _case(content: bytes) -> dict[str, Any] | None:
    """The first line, where it is a memory space with its queries."""
    try:
        first = json.loads(content.partition(b"\n")[0])
    except ValueError:
        return None
    is_case = isinstance(first, dict) and isinstance(first.get("memories"), list)
    return first if is_case else None


def _readable(value: JsonValue) -> Mapping[str, JsonValue] | None:
    try:
        return message(value)
    except Unreadable:
        return None


def _queries(case: Mapping[str, Any]) -> tuple[Query, ...]:
    """Up to four of the case's own queries with known evidence, of different sorts."""
    chosen: dict[str, Query] = {}
    for query in case.get("queries") or ():
        gold = frozenset(str(one) for one in query.get("gold") or ())
        if gold and query.get("q"):
            chosen.setdefault(str(query.get("cat")), Query(str(query["q"]), gold))
    return tuple(chosen.values())[:4]


def _about_names(messages: Sequence[Mapping[str, JsonValue]]) -> tuple[Query, ...]:
    """Questions about the names that are mentioned most."""
    counted = Counter(name for one in messages for name in mentions(str(one.get("text", ""))))
    names = [name for name, _ in counted.most_common(4)]
    if not names:
        return (Query(str(messages[0]["text"])[:80]),)
    return tuple(Query(f"What is known about {name}?") for name in names)
