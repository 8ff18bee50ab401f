"""What somebody says of themselves, as statements that name them."""

from __future__ import annotations

import re

from memos.cube import MemCube, Plaintext

NOBODY = "the user"
"""Who speaks where that is not known."""

_SENTENCE = re.compile(
    r"(?<=[.!?])(?<!\b(?:Dr|Mr|Ms|St|Sr|Jr|No)\.)(?<!\bMrs\.)(?<!\b[A-Z]\.)[\"')\]]*\s+|\n+"
)
_OPENING = re.compile(
    r"^(?:(?:(?:hey|hi|hello)(?: \w+)?|oh|wow|yes|yeah|yep|no|well|exactly|thanks|thank you)[,!.]"
    r"\s+|(?:so|and|but|also|actually|by the way|btw|recently|lately|currently|anyway|honestly)"
    r"\b,?\s+)+",
    re.IGNORECASE,
)
_NAMED = re.compile(r"([A-Z][a-z]+): (?=\S)")
_UNCLEAR = re.compile(
    r"^(?:he|she|it|they|we|you|this|that|these|those|there|his|her|its|their|our|your|here|"
    r"what|who|where|when|why|how|if|let's|it's|that's|he's|she's|they're|we're|you're)\b",
    re.IGNORECASE,
)
_ADVERB = r"(?:(?:really|also|just|always|usually|often|still|never|only|now|absolutely) )*"
_PRESENT = {
    **{verb: verb + "s" for verb in """
    adore arrive assume believe bike bake bring build buy call collect come commute cook cycle
    dance dislike draw dream drink drive eat enjoy fear feel find garden get give grow hate help
    hike hold hope keep knit know lead learn leave like listen live love make manage mean meditate
    mentor need own paint pay plan play practice practise prefer read remember rent ride run sail
    say see sell send sew sing ski sleep speak spend start support surf swim take think train
    travel use visit volunteer wake walk want wear work write""".split()},
    **{verb: verb + "es" for verb in "coach do fix go miss teach wash watch".split()},
    "carry": "carries",
    "fly": "flies",
    "have": "has",
    "study": "studies",
    "try": "tries",
    "worry": "worries",
    "don't": "doesn't",
}  # fmt: skip
_SPOKEN = re.compile(rf"\bI ({_ADVERB})({'|'.join(_PRESENT)})\b")
_SHORT = (
    (r"\bI'm\b|\bI am\b", "{name} is"),
    (r"\bI've (?=got\b)", "{name} has "),
    (r"\bI've\b|\bI have(?= (?:been|just|already|never|always|recently|\w+ed)\b)", "{name} has"),
    (r"\bI'll\b", "{name} will"),
    (r"\bI'd\b", "{name} would"),
    (r"\bam I\b", "is {name}"),
)
_OWN = (
    (r"\b[Mm]y\b|\b[Mm]ine\b", "{name}'s"),
    (r"\b(?:me|myself)\b", "{name}"),
    (r"\bI\b(?!\.)", "{name}"),
)


def statements(cube: MemCube) -> list[str]:
    """The sentences of a plaintext cube that state something of somebody who is named.

    "I moved to Lisbon", said by Alice, is "Alice moved to Lisbon". Questions, and sentences about
    "she" or "we", are left out: whom they are about cannot be told from them alone.
    """
    return [said for _, said in told(cube)]


def told(cube: MemCube) -> list[tuple[str, str]]:
    """The sentences as they stand in the cube, each with the statement that it is."""
    if not is_told(cube):
        return []
    name = speaker(cube)
    text = cube.text.replace("\u2019", "'")
    named = _NAMED.match(text)
    text = text[named.end() :] if named else text
    sentences = _SENTENCE.split(text)
    return [(sentence, said) for sentence in sentences if (said := _stated(sentence, name))]


def is_told(cube: MemCube) -> bool:
    """Whether a cube is a text, and not what an assistant says of itself."""
    if not isinstance(cube.payload, Plaintext):
        return False
    return cube.payload.role != "assistant" or cube.speaker not in {None, "assistant"}


def speaker(cube: MemCube) -> str:
    """The name of whoever says what a cube holds, as far as it is known."""
    named = _NAMED.match(cube.text)
    name = named.group(1) if named else cube.speaker or cube.user_id or NOBODY
    if name.lower() == "user" or not re.fullmatch(r"[^\W\d_]+(?:[ '-][^\W\d_]+)*", name):
        return NOBODY
    return name if name == NOBODY or name[0].isupper() else name.title()


def _stated(sentence: str, name: str) -> str:
    sentence = " ".join(sentence.split()).strip("\"'()[] ")
    if sentence.endswith("?") or len(sentence.split()) < 3:
        return ""
    sentence = _OPENING.sub("", sentence).rstrip(".! ")
    if _UNCLEAR.match(sentence):
        return ""
    for pattern, words in _SHORT:
        sentence = re.sub(pattern, words.format(name=name), sentence)
    sentence = _SPOKEN.sub(lambda m: f"{name} {m[1]}{_PRESENT[m[2]]}", sentence)
    for pattern, words in _OWN:
        sentence = re.sub(pattern, words.format(name=name), sentence)
    first = sentence.split(" ", maxsplit=1)[0]
    return sentence[:1].upper() + sentence[1:] if first.islower() else sentence
