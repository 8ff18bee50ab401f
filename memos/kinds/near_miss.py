"""Names that are nearly those of somebody known, and are nobody's."""

from __future__ import annotations

import re
from itertools import count, islice
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_FIRST = (
    "Abelard", "Bettina", "Calista", "Damaris", "Edwin", "Felicity", "Gideon", "Harriet", "Isolde",
    "Jasper", "Katrin", "Leander", "Mirabel", "Norbert", "Ottilie", "Percival", "Quentin",
    "Rosalind", "Sebald", "Theodora", "Ulric", "Verena", "Winfred", "Xenia", "Yorick", "Zelda",
    "Ansgar", "Blanche", "Cosima", "Dietmar", "Eudora", "Ferris", "Griselda", "Hartwig", "Imelda",
    "Jocasta", "Konrad", "Lavinia", "Magnus", "Nerissa",
)  # fmt: skip
_LAST = (
    "Ashgrove", "Brindle", "Culpeper", "Dunmore", "Ellery", "Farrow", "Garrick", "Holloway",
    "Inskip", "Jessop", "Kestrel", "Larkin", "Merrow", "Nettle", "Oakham", "Pemberton", "Quillon",
    "Rushton", "Sallow", "Tamsin", "Underhay", "Vickery", "Whitlock", "Yarrow", "Zeller",
    "Aldous", "Bracken", "Corrigan", "Driscoll", "Everard", "Fenwick", "Gorse", "Hathaway",
    "Ivory", "Jardine", "Kirkby", "Lomax", "Marlow", "Norwood", "Ormond",
)  # fmt: skip
_ROLES = (
    "neighbour", "visitor", "teacher", "plumber", "guide", "tenant", "baker", "landlord",
    "postman", "gardener", "cousin", "librarian",
)  # fmt: skip
_SORTS = (
    "Labs", "Institute", "College", "University", "School", "Academy", "Hospital", "Clinic",
    "Museum", "Gallery", "Theatre", "Library", "Company", "Group", "Records", "Pictures", "Press",
    "Club", "Bank", "River", "Lake", "Valley", "Mountains", "Island", "Bridge", "Street", "Square",
    "Park", "Castle", "Church", "Cathedral", "Tower", "Hotel", "Station", "Airport", "County",
    "Province", "District", "Works", "Society",
)  # fmt: skip
"""The last word of many names, which says what sort of thing they are of."""
_TRIES = 4


def near_misses(whom: str, known: Collection[str], taken: Collection[str]) -> Iterator[str]:
    """Names to train with: one word of the name is another, or all are.

    Args:
        whom: somebody known, as the memories spell it.
        known: everybody known.
        taken: words that no made-up name may hold, in small letters.
    """
    return _unknown(whom, known, taken, 0)


def unseen_misses(whom: str, known: Collection[str], taken: Collection[str]) -> Iterator[str]:
    """Names to examine with; none of their new words is among those to train with."""
    return _unknown(whom, known, taken, 1)


def _unknown(whom: str, known: Collection[str], taken: Collection[str], half: int) -> Iterator[str]:
    refused = re.compile(
        "|".join(rf"(?<!\w){re.escape(name.casefold())}(?!\w)" for name in sorted(known)) or r"(?!)"
    )
    seen: set[str] = set()
    for name in islice(_made(whom, known, taken, half), _TRIES * len(_FIRST)):
        low = name.casefold()
        if low != whom.casefold() and low not in seen and not refused.search(low):
            seen.add(low)
            yield name


def _made(whom: str, known: Collection[str], taken: Collection[str], half: int) -> Iterator[str]:
    words = whom.split(" ")
    places = [at for at, word in enumerate(words) if _can_change(word)]
    if not places:
        yield from _other_roles(words, taken, half)
        return
    mixed = iter(_mixed(words, known, half))
    first, last = _free(_FIRST[half::2], taken), _free(_LAST[half::2], taken)
    start = crc32(whom.encode())
    for turn in count():
        for changed in _choices(places):
            yield " ".join(
                _other(word, last if at else first, start + turn, half) if at in changed else word
                for at, word in enumerate(words)
            )
        yield from islice(mixed, 1)
        yield from _other_sort(words, start + turn, half)


def _free(stock: Sequence[str], taken: Collection[str]) -> list[str]:
    return [name for name in stock if name.casefold() not in taken]


def _choices(places: Sequence[int]) -> list[set[int]]:
    """The last word changed, the first, all."""
    if len(places) == 1:
        return [set(places)]
    return [{places[-1]}, {places[0]}, set(places)]


def _can_change(word: str) -> bool:
    bare = word.strip("(),.\"'")
    if bare in _SORTS or bare in {"The", "A", "An"}:
        return False
    return any(letter.isupper() or letter.isdigit() for letter in bare)


def _other(word: str, stock: Sequence[str], turn: int, half: int) -> str:
    """Another word of the same shape; what clings to it stays."""
    match = re.match(r"^(\W*)(.*?)((?:'s|s')?\W*)$", word)
    before, core, after = match.groups() if match else ("", word, "")
    if any(letter.isdigit() for letter in core) or (core.isupper() and len(core) > 1):
        return f"{before}{_shifted(core, turn, half)}{after}"
    return f"{before}{stock[turn % len(stock)] if stock else core}{after}"


def _shifted(core: str, turn: int, half: int) -> str:
    """Its digits, and where there are none its capital letters, moved on."""
    step = 2 * (turn % 4) + 1 + half
    numbers = any(letter.isdigit() for letter in core)

    def shift(letter: str) -> str:
        if numbers:
            return str((int(letter) + step) % 10) if letter in "0123456789" else letter
        return chr((ord(letter) - 65 + step) % 26 + 65) if "A" <= letter <= "Z" else letter

    return "".join(map(shift, core))


def _mixed(words: Sequence[str], known: Collection[str], half: int) -> list[str]:
    """First names of some of the known, with surnames of others."""
    if len(words) != 2 or words[1] in _SORTS:
        return []
    pairs = [other.split(" ") for other in sorted(known) if other.count(" ") == 1]
    mixed = [f"{words[0]} {last}" for _, last in pairs if last not in _SORTS and last[0].isupper()]
    return [name for name in mixed if crc32(name.encode()) % 2 == half]


def _other_sort(words: Sequence[str], turn: int, half: int) -> list[str]:
    if words[-1] not in _SORTS:
        return []
    sorts = _SORTS[half::2]
    return [" ".join([*words[:-1], sorts[turn % len(sorts)]])]


def _other_roles(words: Sequence[str], taken: Collection[str], half: int) -> Iterator[str]:
    """Others than "the user"."""
    for role in _ROLES[half::2]:
        if role not in taken and re.match(r"user(?:'s)?$", words[1] if len(words) > 1 else ""):
            yield " ".join([words[0], words[1].replace("user", role), *words[2:]])
