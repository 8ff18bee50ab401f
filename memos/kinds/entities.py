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
_MOST = 16
"""Names kept of one text."""


def entity_edges(cube: MemCube) -> list[Edge]:
    """An edge from the cube to each name that it mentions, its speaker included.

    An entity belongs to the cube's user and agent: two users who know a Lisbon share no node.
    """
    if not isinstance(cube.payload, Plaintext):
        return []
    names = [*mentions(cube.payload.text), *([cube.speaker] if cube.speaker else [])]
    whose = canonical([cube.scope.user_id, cube.scope.agent_id]).decode()
    nodes = dict.fromkeys(f"entity:{whose}:{name.lower()[:80]}" for name in names)
    return [Edge(cube.id, Relation.MENTIONS, node) for node in nodes]


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
