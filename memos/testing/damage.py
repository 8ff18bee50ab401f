"""Damages one file of a store, many ways, and says what becomes of every call.

    python -m memos.testing.damage STORE SETTINGS FILE SEED TIMES      STORE is copied each time

One line of JSON for each damage: how the file was damaged, what went wrong, and how it ended.
Each is tried in a process of its own, so that not even a crash of a library goes unseen.

``refused``   the store does not open; an error of our tree says why
``sound``     no call noticed, and nothing that was answered was wrong
``mended``    found by a check, and gone after a repair
``restore``   found by a check; a repair leaves what only a backup can mend
"""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos.errors import MemosError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memos import MemCube, MemOS

WAYS = ("one bit", "a byte", "a page", "cut short", "emptied", "removed", "noise")
_PAGE = 4096
_PATIENCE = 120.0
_ONLY_A_BACKUP = {"damaged-database", "broken-journal", "altered-certificate",
                  "missing-certificate", "unreadable", "forgotten-cube",
                  "snapshot-in-future", "unfinished", "damaged-words"}  # fmt: skip


def known(mem: MemOS) -> dict[str, list[str | None]]:
    """What is in a store: by id, the text of the newest version and whose it is."""
    return {cube.id: [cube.text, cube.user_id] for cube in mem.get_all()}


def damage(path: Path, way: str, chance: random.Random) -> None:
    """Damage a file in place."""
    if way == "removed":
        path.unlink()
        return
    content = bytearray(path.read_bytes())
    at = chance.randrange(len(content)) if content else 0
    if way == "one bit" and content:
        content[at] ^= 1 << chance.randrange(8)
    elif way == "a byte" and content:
        content[at] = chance.randrange(256)
    elif way == "a page":
        start = at // _PAGE * _PAGE
        content[start : start + _PAGE] = chance.randbytes(len(content[start : start + _PAGE]))
    elif way == "cut short":
        del content[at:]
    elif way == "emptied":
        content.clear()
    elif way == "noise":
        content = bytearray(chance.randbytes(len(content)))
    path.write_bytes(content)


class Trial:
    """Every call on a damaged store; what is answered must be true."""

    def __init__(
        self, store: Path, settings: dict[str, Any], truth: dict[str, Any], *, lossy: bool
    ) -> None:
        """Begin; ``lossy`` where the file holds the only copy of some commits."""
        self._lossy = lossy
        self._store = store
        self._settings = settings
        self._truth = truth
        self.wrong: list[str] = []
        self.errors: set[str] = set()
        self.missed = False

    def run(self) -> str:
        """How it ended."""
        from memos import MemOS
        from memos.config import Settings

        settings = Settings.model_validate(self._settings)
        opened = self._tried("open", lambda: MemOS.open(self._store, settings=settings))
        if opened is None:
            return "refused"
        with opened as mem:
            self._read(mem)
            report = self._tried("check", mem.check)
            noticed = report is None or bool(report.problems)
            if (self.errors or self.missed) and not noticed:
                self.wrong.append(f"{sorted(self.errors)}, and a check finds nothing")
            if not noticed:
                return "sound"
            return self._mended(mem)

    def _mended(self, mem: MemOS) -> str:
        self._tried("repair", lambda: mem.check(repair=True))
        report = self._tried("check", mem.check)
        left = {"unreadable"} if report is None else {one.code for one in report.problems}
        if left - _ONLY_A_BACKUP and not left & _ONLY_A_BACKUP:
            self.wrong.append(f"after a repair there is still {sorted(left)}")
        before, self.errors, self.missed = self.errors, set(), False
        self._read(mem, quarantined={one.cube_id for one in self._quarantined(mem)})
        lost = self._lossy and self.errors <= {"get: UnknownCube"}
        if not left and (self.errors or self.missed) and not lost:
            self.wrong.append(f"after a repair: {sorted(self.errors)}, missed: {self.missed}")
        self.errors |= before
        return "restore" if left else "mended"

    def _quarantined(self, mem: MemOS) -> list[Any]:
        found: list[Any] | None = self._tried("quarantined", mem.quarantined)
        return found or []

    def _read(self, mem: MemOS, quarantined: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        for cube_id, (text, _) in self._truth.items():
            if cube_id in quarantined:
                continue
            for found in self._cubes("get", partial(_one, mem, cube_id)):
                self._compare(found)
            hits = self._cubes("search", partial(_three, mem, text))
            seen = [self._compare(found) for found in hits]
            self.missed |= text.isalpha() and cube_id not in seen and "search" not in self.errors
        there = [self._compare(found) for found in self._cubes("get_all", mem.get_all)]
        self.missed |= bool(set(self._truth) - quarantined - set(there))
        for digest in self._tried("blobs", mem._parts.catalog.blobs) or ():  # noqa: SLF001
            self._tried("blob", partial(mem._parts.blobs.get, digest))  # noqa: SLF001

    def _cubes(self, name: str, call: Callable[[], list[MemCube]]) -> Iterator[MemCube]:
        yield from self._tried(name, call) or ()

    def _compare(self, cube: MemCube) -> str:
        if self._truth.get(cube.id) != [cube.text, cube.user_id]:
            self.wrong.append(f"{cube.id} is said to be {cube.text!r:.60} of {cube.user_id!r:.20}")
        return cube.id

    def _tried(self, name: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except MemosError as error:
            self.errors.add(f"{name}: {error.code}")
        except Exception:  # noqa: BLE001 - that there is none is what is tested
            self.wrong.append(f"{name}: {traceback.format_exc()[-1500:]}")
        return None


def tried(trial: Trial) -> dict[str, Any]:
    """One trial in a process of its own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _try(writing, trial)
    os.close(writing)
    said = _all(reading)
    if said is None:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if said is None:
        return {"ended": "hung", "wrong": ["a call did not come back"], "errors": []}
    if not said:
        return {"ended": "crashed", "wrong": [f"the process ended with {status}"], "errors": []}
    told: dict[str, Any] = json.loads(said)
    return told


def _try(pipe: int, trial: Trial) -> None:
    ended = "raised"
    try:
        ended = trial.run()
    except BaseException:  # noqa: BLE001 - also what a library raises beside Exception
        trial.wrong.append(traceback.format_exc()[-1500:])
    told = {"ended": ended, "wrong": trial.wrong[:5], "errors": sorted(trial.errors)}
    with os.fdopen(pipe, "wb") as out:
        out.write(json.dumps(told).encode())
    os._exit(0)


def _one(mem: MemOS, cube_id: str) -> list[MemCube]:
    return [mem.get(cube_id)]


def _three(mem: MemOS, text: str) -> list[MemCube]:
    return [hit.cube for hit in mem.search(text, k=3)]


def _all(pipe: int) -> bytes | None:
    """What is written until the other end is closed; None where that takes too long."""
    parts: list[bytes] = []
    while True:
        ready, _, _ = select.select([pipe], [], [], _PATIENCE)
        if not ready:
            os.close(pipe)
            return None
        part = os.read(pipe, 1 << 16)
        if not part:
            os.close(pipe)
            return b"".join(parts)
        parts.append(part)


def main() -> None:
    """Read the command line, damage and tell."""
    store, settings, name, seed, times = sys.argv[1:]
    template, asked = Path(store), json.loads(settings)
    truth = json.loads((template.parent / "truth.json").read_text(encoding="utf-8"))
    import memos.boot
    import memos.stores.vectors_chroma  # noqa: F401

    for number in range(int(times)):
        chance = random.Random(f"{seed} {number}")  # noqa: S311 - no secret
        way = WAYS[number % len(WAYS)]
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "store"
            shutil.copytree(template, copy)
            damage(copy / name, way, chance)
            # What was committed since the last checkpoint lies in the log alone.
            outcome = tried(Trial(copy, asked, truth, lossy=name.endswith("-wal")))
        sys.stdout.write(json.dumps({"way": way, "number": number, **outcome}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
