"""The names that a text mentions, found by their capitals."""

from __future__ import annotations

import re

from memos.cube import MemCube, Plaintext
from memos.cube.identity import canonical
from memos.ports.graph import Edge, Relation

_WORD = r"[A-Z][\w\u2019'-]*\w"
_NAME = re.compile(rf"\b{_WORD}(?:[ ]{_WORD})*")
_OPENERS = '.!?\u2026:;"\u201c(\u2014'
_COMMON = frozenset(
    """
    a an and are as at be but by can could did do does for from had has have he hello her hey hi
    his how i if in is it its let me my no not now of oh ok okay on or our she so some sure thank
    thanks that the their then there these they this those to was we well were what when where
    which who why will with wow would yeah yes you your i'm i've i'll i'd it's that's what's
    we're don't can't didn't there's he's she's you're they're let's congratulations absolutely
    just also maybe good great nice last next today tomorrow yesterday since after before while
    because although though however
    """.split()
)
_READ = 20_000
"""Characters of a text that are read for names."""
_MOST = 32
"""Names kept of one text."""
_LONGEST = 80
"""Characters of a name that count."""
_BRACKETS = re.compile(r"\([^()]*\)")
_RUN = 7
"""Words of a name in a question."""
_ASKED = 60
"""Words of a question that are read for names."""


def entity_edges(cube: MemCube) -> list[Edge]:
    """An edge from the cube to each name that it mentions, its speaker included, and to its title.

    An entity belongs to the cube's user and agent: two users who know a Lisbon share no node.
    """
    if not isinstance(cube.payload, Plaintext):
        return []
    names = [*mentions(cube.payload.text), *([cube.speaker] if cube.speaker else [])]
    whose = (cube.scope.user_id, cube.scope.agent_id)
    nodes = dict.fromkeys(entity_of(name, *whose) for name in names)
    title = title_entity(cube.payload.attributes.get("title", ""), *whose)
    titled = [Edge(cube.id, Relation.TITLED, title)] if title else []
    return [*(Edge(cube.id, Relation.MENTIONS, node) for node in nodes), *titled]


def entity_of(name: str, user_id: str | None, agent_id: str | None) -> str:
    """The node of a name among the memories of a user and an agent."""
    whose = canonical([user_id, agent_id]).decode()
    return f"entity:{whose}:{name.lower()[:_LONGEST]}"


def name_of(entity: str, user_id: str | None, agent_id: str | None) -> str:
    """The name, in lower case, that :func:`entity_of` made this node of for this user and agent."""
    return entity.removeprefix(entity_of("", user_id, agent_id))


def title_entity(title: str, user_id: str | None, agent_id: str | None) -> str | None:
    """The node of what a title names, without what it says in brackets; None where that is nothing.

    "Theodred II (Bishop of Elmham)" is about Theodred II.
    """
    name = " ".join(_BRACKETS.sub(" ", title).split())
    return entity_of(name, user_id, agent_id) if name else None


def asked_names(query: str) -> list[str]:
    """What a question may name, whatever its capitals: each run of up to seven of its words."""
    words = query.replace("\u2019", "'").strip(" ?!.").split()[:_ASKED]
    words = [word.strip(",;:?!\"'()\u201c\u201d") for word in words]
    owners = [word.removesuffix("'s") for word in words]  # "Ann's List" may name either
    runs = (
        " ".join(each[start : start + length])
        for each in (owners, words)
        for length in range(1, _RUN + 1)
        for start in range(len(each) - length + 1)
    )
    return [run for run in dict.fromkeys(runs) if run.lower() not in _COMMON and len(run) > 1]


def mentions(text: str) -> list[str]:
    """The names in a text, in their order, without repeats."""
    text = text[:_READ].replace("\u2019", "'")
    found: dict[str, None] = {}
    for match in _NAME.finditer(text):
        words = match.group().removesuffix("'s").split(" ")
        if _opens_sentence(text, match.start()):
            words = _without_common(words)
        elif len(words) == 1 and words[0].lower() in _COMMON:
            words = []
        name = " ".join(words)
        if len(name) > 1:
            found.setdefault(name)
    return list(found)[:_MOST]


def _opens_sentence(text: str, start: int) -> bool:
    while start > 0 and text[start - 1] == " ":
        start -= 1
    return start == 0 or text[start - 1] in _OPENERS or text[start - 1].isspace()


def _without_common(words: list[str]) -> list[str]:
    # At the start of a sentence a capital says nothing of the first words.
    while words and words[0].lower() in _COMMON:
        words = words[1:]
    return words
