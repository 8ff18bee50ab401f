"""Reads cases from JSON lines; what cannot be read is told by its place, and left out.

{"set", "sid", "memories": [{"id", "text", "speaker"?, "role"?, "session"?, "date" or "ts"?,
 "caption"?, "title"?}], "queries": [{"id"?, "q", "gold": [memory ids], "cat"?}]}

or, a file of facts that have changed (see :mod:`memos.evaluation.facts`). A memory with a session,
a speaker or a role is a turn of a conversation; one without stands alone.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memos.errors import BadInput, shown
from memos.evaluation.case import Case, Memory, Question
from memos.evaluation.facts import facts_case, is_fact
from memos.kinds.drafts import Draft, checked_scope, checked_text, read_drafts
from memos.kinds.times import read_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import JsonValue

Fields = dict[str, "JsonValue"]


@dataclass(slots=True)
class Reading:
    """What a file holds."""

    name: str
    """The file's, without its ending."""
    cases: list[Case] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """What cannot be read, and where it stands; it is left out."""
    undated: Counter[str] = field(default_factory=Counter)
    """Dates that cannot be read; their memories are taken without them."""


class _Wrong(ValueError):
    """Why something is no memory or no question."""


def read_file(path: Path) -> Reading:
    """The cases in a file.

    Raises:
        BadInput: the file cannot be read, or holds no case at all.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{path} is not UTF-8", hint="convert it, for instance with iconv"
        ) from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", hint="name a file") from error
    reading = read_cases(text, path.name.split(".")[0])
    if not reading.cases:
        why = f": {reading.problems[0]}" if reading.problems else ""
        hint = 'a line is a case: {"sid", "memories": [...], "queries": [...]}'
        raise BadInput(f"there is no case in {path}{why}", hint=hint)
    return reading


def read_cases(text: str, name: str) -> Reading:
    """The cases in a text of JSON lines."""
    reading = Reading(name)
    facts: list[tuple[str, Fields]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            value = _parsed(line)
            if is_fact(value):
                facts.append((place, value))
            else:
                reading.cases.append(_case(value, place, reading))
        except (ValueError, RecursionError) as error:
            reading.problems.append(f"{place}: {_why(error)}")
    if facts:
        case, problems = facts_case(facts, name)
        reading.problems += problems
        reading.cases += [case] if case.questions else []
    return reading


def _parsed(line: str) -> Fields:
    value: JsonValue = json.loads(line, parse_constant=_refuse)
    line.encode()  # refuses half a surrogate pair
    if not isinstance(value, dict):
        raise _Wrong(f"not an object but {shown(value)}")
    return value


def _refuse(name: str) -> None:
    raise _Wrong(f"{name} is not JSON")


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}"
    return str(error) if isinstance(error, _Wrong) else f"not JSON: {error}"


def _case(value: Fields, place: str, reading: Reading) -> Case:
    said, asked = value.get("memories"), value.get("queries")
    if not isinstance(said, list):
        raise _Wrong("no list of memories")
    if not isinstance(asked, list):
        raise _Wrong("no list of queries")
    name = _text_of(value.get("sid")) or place
    with _as_wrong():
        checked_scope(user_id=name)
    memories = _memories(said, name, place, reading)
    questions = _questions(asked, place, reading, memories)
    if not memories or not questions:
        raise _Wrong(f"there are no {'queries' if memories else 'memories'} in it")
    of = _text_of(value.get("set")) or reading.name
    return Case(of, name, tuple(memories.values()), tuple(questions))


@contextmanager
def _as_wrong() -> Iterator[None]:
    """What the store would refuse is told with the place where it stands."""
    try:
        yield
    except BadInput as error:
        raise _Wrong(error.message) from error


def _memories(said: list[JsonValue], space: str, place: str, reading: Reading) -> dict[str, Memory]:
    """The memories by their ids; what is wrong with the others is noted."""
    memories: dict[str, Memory] = {}
    for number, one in enumerate(said, 1):
        where = f"{place}, memory {number}"
        try:
            memory = _memory(one, space, reading)
        except _Wrong as error:
            reading.problems.append(f"{where}: {error}")
            continue
        if memory.id in memories:
            reading.problems.append(f"{where}: id {shown(memory.id)} comes twice")
        memories.setdefault(memory.id, memory)
    return memories


def _questions(
    asked: list[JsonValue], place: str, reading: Reading, memories: dict[str, Memory]
) -> list[Question]:
    """The questions; what is wrong with the others is noted."""
    questions = []
    for number, one in enumerate(asked, 1):
        where = f"{place}, query {number}"
        try:
            questions.append(_question(one, where, memories))
        except _Wrong as error:
            reading.problems.append(f"{where}: {error}")
    return questions


def _memory(one: JsonValue, space: str, reading: Reading) -> Memory:
    if not isinstance(one, dict):
        raise _Wrong(f"not an object but {shown(one)}")
    memory_id = _text_of(one.get("id"))
    if memory_id is None:
        raise _Wrong("no id")
    message: dict[str, JsonValue] = {"text": one.get("text")}
    for name in ("speaker", "role", "caption", "title"):
        said = _text_of(one.get(name))
        if said is not None:
            message[name] = said
    session = _text_of(one.get("session"))
    if session is not None or "speaker" in message or "role" in message:
        message["session_id"] = session or space
    time = _time(one, reading)
    if time is not None:
        message["timestamp"] = time
    with _as_wrong():
        read_drafts(message, Draft())
    return Memory(memory_id, message)


def _time(one: Fields, reading: Reading) -> str | None:
    given = next((one[name] for name in ("date", "ts") if one.get(name) not in (None, "")), None)
    if given is None:
        return None
    try:
        return read_time(given).isoformat()  # type: ignore[arg-type]
    except BadInput:
        reading.undated[str(given)] += 1
        return None


def _question(one: JsonValue, otherwise: str, memories: dict[str, Memory]) -> Question:
    if not isinstance(one, dict):
        raise _Wrong(f"not an object but {shown(one)}")
    with _as_wrong():
        text = checked_text(one.get("q"), "q")
    listed = one.get("gold")
    if listed is not None and not isinstance(listed, list):
        raise _Wrong(f"gold is not a list but {shown(listed)}")
    gold = tuple(dict.fromkeys(str(each) for each in listed or ()))
    lost = [each for each in gold if each not in memories]
    if lost:
        raise _Wrong(f"gold {shown(lost[0])} is no memory of this case")
    return Question(_text_of(one.get("id")) or otherwise, text, gold, _text_of(one.get("cat")))


def _text_of(value: JsonValue) -> str | None:
    """An id or a name; a number, too, is one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value) if str(value).strip() else None
