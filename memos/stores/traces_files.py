"""Looks for traces in the bytes of all files in a folder."""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from memos.errors import BackendError
from memos.ports.progress import Progress, silent
from memos.ports.traces import Search, Spelling, Trace
from memos.stores.needles import (
    LEAST,
    PIECE,
    Needles,
    TextNeedles,
    Thing,
    VectorNeedles,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

_CHUNK = 1 << 18
"""Bytes looked at in one go."""

_BETWEEN = b"\xff" * PIECE
"""Stands between two living texts; no text has it."""


class FileTraces:
    """Reads a folder from end to end, a little at a time; nothing is written or locked.

    Args:
        folder: what is searched.
        sealed: whether its files are encrypted, so that only what leaked past that can be found.
    """

    def __init__(self, folder: Path, *, sealed: bool = False) -> None:
        self._folder = folder
        self._sealed = sealed

    def find(
        self,
        texts: Sequence[str],
        *,
        vectors: Sequence[NDArray[np.float32]] = (),
        living: Iterable[str] = (),
        progress: Progress = silent,
    ) -> Search:
        """Search all files for each of ``texts`` and ``vectors``."""
        needles = _all_needles(texts, vectors)
        too_common = _missing(needles, len(texts))
        _spare(needles, living)
        still_said = _missing(needles, len(texts)) - too_common
        files, others = _listed(self._folder)
        traces: list[Trace] = []
        done, total = 0, sum(files.values())
        overlap = max(each.longest for each in needles) - 1
        for path in files:
            look = _Look(needles, str(path.relative_to(self._folder)))
            for start, chunk in _chunks(path, overlap):
                traces += look.at(chunk, start)
                progress("searching bytes", min(done + start + len(chunk), total), total)
            done += files[path]
        return Search(
            traces=tuple(traces),
            files=len(files),
            size_bytes=total,
            too_common=tuple(sorted(too_common)),
            still_said=tuple(sorted(still_said)),
            plain_vectors=tuple(sorted(_missing(needles, len(vectors), of_vectors=True))),
            passed_over=tuple(others),
            sealed=self._sealed,
        )


class _Look:
    """What has been seen of the needles in one file."""

    def __init__(self, needles: Sequence[Needles], file: str) -> None:
        self._file = file
        self._needles = [(each, set[int](), each.unseen()) for each in needles]
        self._told: set[tuple[int, Spelling]] = set()

    def at(self, content: bytes, start: int = 0) -> list[Trace]:
        """Traces in a part of the file that begins at ``start``; of each thing the first."""
        words = words_of(content)
        found = [
            (offset, each.thing(number))
            for each, seen, unseen in self._needles
            for number, offset in each.found_in(content, words, seen, unseen)
        ]
        traces = []
        for offset, thing in sorted(found, key=lambda pair: pair[0]):
            if (thing.sought, thing.spelling) not in self._told:
                self._told.add((thing.sought, thing.spelling))
                traces.append(Trace(thing.sought, thing.spelling, self._file, start + offset))
        return traces

    def strike(self) -> None:
        """Let go of every needle that was seen."""
        for each, seen, _ in self._needles:
            each.without(seen)


def _all_needles(
    texts: Sequence[str], vectors: Sequence[NDArray[np.float32]]
) -> tuple[Needles, ...]:
    things = [
        Thing(number, spelling, content)
        for number, text in enumerate(texts)
        for spelling, content in _spelled(text).items()
    ]
    numbers = [
        Thing(number, Spelling.FLOAT32, np.asarray(vector, dtype="<f4").tobytes())
        for number, vector in enumerate(vectors)
    ]
    made = [TextNeedles(things, words) for words in range(1, 1 + PIECE // LEAST)]
    return (*made, VectorNeedles(numbers))


def _spelled(text: str) -> dict[Spelling, bytes]:
    """The different ways in which ``text`` may lie in a file; none where it is too short."""
    plain = text.encode("utf-8", "surrogatepass")
    if len(plain) < LEAST:
        return {}
    ways = {
        Spelling.UTF8: plain,
        Spelling.JSON: json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"),
        Spelling.ASCII_JSON: json.dumps(text)[1:-1].encode(),
        Spelling.UTF16: text.encode("utf-16-le", "surrogatepass"),
    }
    different = {content: spelling for spelling, content in reversed(ways.items())}
    return {spelling: content for content, spelling in different.items()}


def _missing(needles: Sequence[Needles], count: int, *, of_vectors: bool = False) -> set[int]:
    """Which of so many texts, or vectors, have no needle."""
    there = {
        each.things[owner].sought
        for each in needles
        if isinstance(each, VectorNeedles) is of_vectors
        for owner in each.owners()
    }
    return set(range(count)) - there


def _spare(needles: Sequence[Needles], living: Iterable[str]) -> None:
    """Let go of the needles that stand in living texts."""
    look = _Look(needles[:-1], "")
    gathered = bytearray()
    for text in living:
        gathered += _BETWEEN.join([*_spelled(text).values(), b""])
        if len(gathered) > _CHUNK:
            look.at(bytes(gathered))
            gathered.clear()
    look.at(bytes(gathered))
    look.strike()


def _listed(folder: Path) -> tuple[dict[Path, int], list[str]]:
    """The files with their sizes, and the names of what is neither file nor folder."""
    if not folder.is_dir():
        raise BackendError(f"{folder} cannot be searched", hint="name the folder of a store")
    files: dict[Path, int] = {}
    others: list[str] = []
    for top, folders, names in os.walk(folder, onerror=_refuse):
        for path in sorted(Path(top, name) for name in [*folders, *names]):
            with _reading():
                found = path.lstat()
                if stat.S_ISREG(found.st_mode):
                    files[path] = found.st_size
                elif not stat.S_ISDIR(found.st_mode):
                    others.append(str(path.relative_to(folder)))
    return files, others


def _chunks(path: Path, overlap: int) -> Iterator[tuple[int, bytes]]:
    """The content of a file with where each part begins; what fits the overlap is torn by none."""
    with _reading(), path.open("rb") as file:
        start, kept = 0, b""
        while read := file.read(_CHUNK):
            chunk = kept + read
            yield start, chunk
            kept = chunk[-overlap:]
            start += len(chunk) - len(kept)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _refuse(error)


def _refuse(error: OSError) -> None:
    """Pass over what has gone since it was listed, and its bytes with it; anything else is told."""
    if not isinstance(error, FileNotFoundError):
        message = f"{error.filename} cannot be searched: {error.strerror}"
        hint = "every file must be readable, or nothing is proven"
        raise BackendError(message, hint=hint) from error
