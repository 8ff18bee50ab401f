"""A process that works on a store until it is killed, and says before and after what it does.

    python -m memos.testing.workload            the nursery: imports everything once, then forks

    stdin  {"do": "work", "store": …, "settings": …, "seed": 7}      a child works for ever
           {"do": "tell", "store": …, "settings": …}                 a child tells what is there
    stdout {"pid": 4711}                                             the child, first of all
           {"doing": "add", "texts": [...]}                          before a call
           {"done": "add", "ids": [...]}                             after it has returned
           {"gone": 4711}                                            the child has ended

What is written is made up: a prefix and twenty random letters, so that it can be searched for in
the bytes of a folder and in tokens.
"""

from __future__ import annotations

import json
import os
import random
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from memos.cube import Kind
from memos.errors import StaleCube

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos import MemCube, MemOS

PREFIX = "zq"
LETTERS = 20
_LETTERS = "abcdefghijklmnoprstuvwxy"
_MANY = 60
"""Texts beyond which more is forgotten than added."""
_OPERATIONS = ("add", "update", "forget", "transform", "warm", "cool", "move", "search")
_WEIGHTS = {False: (6, 3, 2, 2, 1, 1, 1, 1), True: (2, 3, 6, 2, 1, 1, 1, 1)}


def say(**what: Any) -> None:
    """One line for whoever counts; written at once, so that a kill loses nothing said."""
    os.write(1, (json.dumps(what) + "\n").encode())


class Worker:
    """Plays random calls on a store; equal seeds and stores, equal calls."""

    def __init__(self, mem: MemOS, seed: int) -> None:
        self._mem = mem
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._texts = {cube.id for cube in mem.get_all(kind=Kind.PLAINTEXT)}
        kinds = (Kind.ACTIVATION, Kind.PARAMETRIC)
        self._states = {cube.id for kind in kinds for cube in mem.get_all(kind=kind)}

    def step(self) -> None:
        """One call."""
        weights = _WEIGHTS[len(self._texts) > _MANY]
        (name,) = self._chance.choices(_OPERATIONS, weights)
        getattr(self, f"_{name}")()

    def _word(self) -> str:
        return PREFIX + "".join(self._chance.choices(_LETTERS, k=LETTERS))

    def _one(self, ids: set[str]) -> str:
        return self._chance.choice(sorted(ids))

    def _add(self) -> None:
        texts = [self._word() for _ in range(self._chance.choice((1, 1, 3)))]
        say(doing="add", texts=texts)
        cubes = self._mem.add([{"content": text} for text in texts], user_id="alice")
        say(done="add", ids=[cube.id for cube in cubes])
        self._texts |= {cube.id for cube in cubes}

    def _update(self) -> None:
        if self._texts:
            cube_id, text = self._one(self._texts), self._word()
            say(doing="update", id=cube_id, text=text)
            cube = self._mem.update(cube_id, text)
            say(done="update", id=cube_id, version=cube.version)

    def _forget(self) -> None:
        if self._texts:
            cube_id = self._one(self._texts)
            say(doing="forget", id=cube_id)
            gone = set(self._mem.delete(cube_id).ids)
            say(done="forget", ids=sorted(gone))
            self._texts -= gone
            self._states -= gone

    def _transform(self) -> None:
        if self._texts:
            parents = sorted({self._one(self._texts), self._one(self._texts)})
            say(doing="transform", parents=parents)
            cube = self._mem.transform(parents, to=Kind.ACTIVATION)
            say(done="transform", id=cube.id)
            self._states.add(cube.id)

    def _warm(self) -> None:
        if self._states:
            cube_id = self._one(self._states)
            say(doing="warm", id=cube_id)
            with suppress(StaleCube):
                self._mem.warm([cube_id])
            say(done="warm")

    def _cool(self) -> None:
        if self._states:
            cube_id = self._one(self._states)
            say(doing="cool", id=cube_id)
            self._mem.cool([cube_id])
            say(done="cool")

    def _move(self) -> None:
        if self._states:
            cube_id, place = self._one(self._states), self._chance.choice(("disk", "ram"))
            say(doing="move", id=cube_id, to=place)
            with suppress(StaleCube):
                self._mem.move(cube_id, to=place)
            say(done="move")

    def _search(self) -> None:
        if self._texts:
            cube_id = self._one(self._texts)
            say(doing="search")
            found = self._mem.search(self._mem.get(cube_id).text, k=1)
            say(done="search", right=[hit.cube.id for hit in found] == [cube_id])


def told(mem: MemOS) -> dict[str, Any]:
    """Everything that is in a store, and what a check says of it."""
    cubes = {cube.id: _cube(mem, cube) for cube in mem.get_all()}
    words = [cube["texts"][-1] for cube in cubes.values() if cube["kind"] == Kind.PLAINTEXT]
    asked = random.Random(len(words)).sample(words, min(3, len(words)))  # noqa: S311 - no secret
    served = [one.id for one in mem.kv_cubes() if one.standing == "current"]
    return {
        "cubes": cubes,
        "unlike": [one for one in served[-3:] if not _same(mem, one)],
        "problems": [problem.model_dump() for problem in mem.check().problems],
        "pending": mem.stats().pending,
        "found": {word: [hit.cube.id for hit in mem.search(word, k=1)] for word in asked},
    }


def _cube(mem: MemOS, cube: MemCube) -> dict[str, Any]:
    return {
        "kind": str(cube.kind),
        "texts": [one.text for one in mem.history(cube.id)],
        "parents": [[parent.id, parent.version] for parent in cube.provenance.parents],
    }


def _same(mem: MemOS, cube_id: str) -> bool:
    """Whether a KV cube answers as its texts do."""
    parents = [parent.id for parent in mem.get(cube_id).provenance.parents]
    resumed, read = (
        mem.chat("what?", memories=memories, max_tokens=4) for memories in ([cube_id], parents)
    )
    return resumed.text == read.text


def _opened(asked: dict[str, Any]) -> MemOS:
    from memos import MemOS
    from memos.config import Settings

    return MemOS.open(asked["store"], settings=Settings.model_validate(asked["settings"]))


def _work(asked: dict[str, Any]) -> None:
    say(doing="open")
    mem = _opened(asked)
    worker = Worker(mem, asked["seed"])
    say(done="open")
    while True:
        worker.step()


def _tell(asked: dict[str, Any]) -> None:
    # Looking is not what is counted: it would fill the journal.
    asked["settings"]["audit"]["reads"] = False
    with _opened(asked) as mem:
        say(told=told(mem))


def _born(asked: dict[str, Any]) -> None:
    """The life of a child; it ends here, whatever happens."""
    works: dict[str, Callable[[dict[str, Any]], None]] = {"work": _work, "tell": _tell}
    try:
        say(pid=os.getpid())
        works[asked["do"]](asked)
        code = 0
    except BaseException:  # noqa: BLE001 - nobody else is left to tell of it
        with suppress(OSError):
            say(failed=traceback.format_exc())
        code = 1
    os._exit(code)


def _warm_up(asked: dict[str, Any]) -> None:
    """Import what a model imports when it is first used, in a store of its own in memory."""
    from memos import MemOS
    from memos.config import Settings

    with MemOS.open(None, settings=Settings.model_validate(asked["settings"])) as mem:
        (cube,) = mem.add("warm")
        mem.transform([cube.id], to=Kind.ACTIVATION)


def nursery() -> None:
    """Import what takes long, then fork a child for each line of stdin, one at a time."""
    import chromadb  # noqa: F401
    import torch
    import transformers  # noqa: F401

    import memos.boot
    import memos.models.runtime_torch
    import memos.stores.vectors_chroma  # noqa: F401

    torch.set_num_threads(1)  # threads would not live on in the children
    warm = False
    for line in sys.stdin:
        asked = json.loads(line)
        if not warm:
            _warm_up(asked)
            warm = True
        pid = os.fork()
        if pid == 0:
            _born(asked)
        os.waitpid(pid, 0)
        say(gone=pid)


if __name__ == "__main__":
    nursery()
