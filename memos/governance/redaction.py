"""What a reader is shown of a memory that they may read, but not see whole."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from memos.cube import Plaintext
from memos.cube.wire import payload_digest
from memos.governance.sensitivity import LEVELS, highest
from memos.kinds.plaintext import CUT, heading

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from memos.cube import MemCube, Payload, Provenance
    from memos.ports.redactor import Redacted, Redactor


_NO_QUOTES = str.maketrans(dict.fromkeys("\"'`", "_"))
_WORD = re.compile(r"[^\W\d_]+[.,;:!?)]*")


def must_redact(sensitivity: str, levels: Collection[str], *, sees_whole: bool) -> bool:
    """Whether a reader must not see what personal data and secrets the memory holds.

    A level that is none of ours is treated as if it stood among those that are redacted.
    """
    return not sees_whole and (sensitivity in levels or sensitivity not in LEVELS)


class Redaction:
    """The policy: which cubes are shown redacted, and how."""

    def __init__(self, make: Callable[[], Redactor], levels: Collection[str]) -> None:
        """Choose.

        Args:
            make: makes the redactor; called once, when the first cube must be redacted.
            levels: at which levels of sensitivity cubes are redacted.
        """
        self._make = make
        self._levels = frozenset(levels)

    @cached_property
    def _redactor(self) -> Redactor:
        return self._make()

    @property
    def harmless(self) -> tuple[str, ...]:
        """The levels at which nothing is redacted."""
        return tuple(level for level in LEVELS if level not in self._levels)

    def hides(self, cube: MemCube, *, sees_whole: bool, today: str | None = None) -> bool:
        """Whether a reader is shown the cube redacted, and its blobs not at all.

        Args:
            cube: at any version.
            sees_whole: whether the reader has the right to see it whole.
            today: how sensitive the cube is now; an old version is no less sensitive than that.
        """
        then = cube.header.governance.sensitivity
        level = then if today is None else highest([then, today])
        return must_redact(level, self._levels, sees_whole=sees_whole)

    def view(
        self,
        cubes: Sequence[MemCube],
        sees_whole: Callable[[MemCube], bool],
        today: Mapping[str, str],
    ) -> list[MemCube]:
        """The cubes as this reader is shown them, in their order; with one call of the redactor.

        Args:
            cubes: what the reader may read, at any version.
            sees_whole: whether the reader has the right to see a cube whole.
            today: how sensitive they are now, by id.

        Raises:
            MissingLibrary: a cube must be redacted, and the library that does it is missing.
        """
        hidden = {
            place: cube
            for place, cube in enumerate(cubes)
            if self.hides(cube, sees_whole=sees_whole(cube), today=today.get(cube.id))
        }
        if not hidden:
            return list(cubes)
        views = redacted_cubes(list(hidden.values()), self._redactor)
        shown = dict(zip(hidden, views, strict=True))
        return [shown.get(place, cube) for place, cube in enumerate(cubes)]


def redacted_cubes(cubes: Sequence[MemCube], redactor: Redactor) -> list[MemCube]:
    """The cubes without what the redactor recognises in them; with one call of the redactor.

    All that is words is redacted: text, title, speaker, role, attributes, labels, metadata, the
    source's address, and what the step was told. What says whose a cube is, stays. A cube in which
    something was replaced has ``governance.redacted`` and the digest of what is shown; one in which
    nothing was, comes back as it is.
    """
    opened = [_words(cube) for cube in cubes]
    asked = list(dict.fromkeys(text for words in opened for text in _texts(list(words.values()))))
    said = dict(zip(asked, redactor.redact(asked), strict=True))
    return [
        _reworded(cube, {name: _replaced(value, said) for name, value in words.items()})
        for cube, words in zip(cubes, opened, strict=True)
    ]


def _words(cube: MemCube) -> dict[str, JsonValue]:
    """Everything in a cube that people or programs have worded."""
    header, source = cube.header, cube.provenance.source
    words: dict[str, JsonValue] = {
        "title": _without_end(header.title),
        "labels": list(header.labels),
        "metadata": header.metadata,
        "uri": None if source is None else source.uri,
        "parameters": dict(cube.provenance.step.parameters),
    }
    if isinstance(cube.payload, Plaintext):
        payload = cube.payload
        words |= {"text": payload.text, "speaker": payload.speaker, "role": payload.role}
        words |= {"attributes": dict(payload.attributes)}
    return words


def _without_end(title: str) -> str:
    """A title that was shortened, without what may be the beginning of something cut in two."""
    if not title.endswith(CUT):
        return title
    words = title.removesuffix(CUT).split(" ")[:-1]
    while words and not _WORD.fullmatch(words[-1]):
        words.pop()
    return " ".join(words) + CUT


def _texts(value: JsonValue) -> Iterator[str]:
    """Every text that must be asked about: texts, names, whole numbers, and named values."""
    if isinstance(value, str):
        yield value
    elif _is_number(value):
        yield str(value)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from _texts(part)
            if isinstance(part, str):
                yield _named(name, part)


def _replaced(value: JsonValue, said: Mapping[str, Redacted]) -> Any:
    """The same, with the redactor's words."""
    if isinstance(value, str):
        return said[value].text
    if _is_number(value):
        return said[str(value)].text if said[str(value)].findings else value
    if isinstance(value, list):
        return [_replaced(part, said) for part in value]
    if isinstance(value, dict):
        result: dict[str, Any] = {}
        for name, part in value.items():
            result[_free(said[name].text, result)] = _replaced_named(name, part, said)
        return result
    return value


def _replaced_named(name: str, value: JsonValue, said: Mapping[str, Redacted]) -> Any:
    """A value; whole, if it is secret by its name alone, as ``{"password": "..."}`` is."""
    if isinstance(value, str):
        alone = {(finding.start, finding.end) for finding in said[value].findings}
        start = len(_named(name, "")) - 1
        for finding in said[_named(name, value)].findings:
            more = (finding.start - start, finding.end - start) not in alone
            if finding.end > start and more:
                return finding.placeholder
    return _replaced(value, said)


def _named(name: str, value: str) -> str:
    return f'{name}: "{value.translate(_NO_QUOTES)}"'


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _free(name: str, taken: Collection[str]) -> str:
    """The name, or with a number where two names have become the same."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free


def _reworded(cube: MemCube, words: dict[str, Any]) -> MemCube:
    payload, old = _payload(cube.payload, words), cube.header
    if isinstance(cube.payload, Plaintext) and old.title == heading(
        cube.payload.text, cube.payload.attributes
    ):
        words["title"] = heading(words["text"], words["attributes"])
    header = old.model_copy(
        update={
            "title": words["title"],
            "labels": tuple(words["labels"]),
            "metadata": words["metadata"],
            "digest": payload_digest(payload),
        }
    )
    provenance = _provenance(cube.provenance, words)
    shown = cube.model_copy(update={"header": header, "payload": payload, "provenance": provenance})
    return cube if shown == cube else _marked(shown)


def _marked(cube: MemCube) -> MemCube:
    governance = cube.header.governance.model_copy(update={"redacted": True})
    return cube.model_copy(
        update={"header": cube.header.model_copy(update={"governance": governance})}
    )


def _payload(payload: Payload, words: Mapping[str, Any]) -> Payload:
    if not isinstance(payload, Plaintext):
        return payload
    names = ("text", "speaker", "role", "attributes")
    return payload.model_copy(update={name: words[name] for name in names})


def _provenance(provenance: Provenance, words: Mapping[str, Any]) -> Provenance:
    step = provenance.step.model_copy(update={"parameters": words["parameters"]})
    source = provenance.source
    if source is not None:
        source = source.model_copy(update={"uri": words["uri"]})
    return provenance.model_copy(update={"step": step, "source": source})
