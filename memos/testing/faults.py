"""Kills a process that works on a store, again and again, and compares what is left with the truth.

The truth is what the process has acknowledged. The one call that was in flight may have happened
or not, but nothing of it may be there by half; whatever was forgotten is nowhere in the folder.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from memos.testing.workload import LETTERS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from memos.config import Settings

WORD = re.compile(rf"{PREFIX}[a-z]{{{LETTERS}}}".encode())
_TOKENS = re.compile(rb"(?:.\x00{7}){%d}" % (LETTERS + len(PREFIX)), re.DOTALL)
_KINDS = (
    "add", "update", "forget", "transform", "warm", "cool", "move", "search", "open", "nothing"
)  # fmt: skip
_UNSEEN = frozenset({"warm", "cool", "move", "search", "open", "nothing"})
"""What changes nothing that a cube is or says."""


@dataclass
class Truth:
    """What must be in the store."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    """By id, the text of every version."""
    states: dict[str, set[str]] = field(default_factory=dict)
    """By the id of a KV cube, the ids that it was made from."""
    forgotten: set[str] = field(default_factory=set)
    """Words that only forgotten cubes have said."""

    def doomed(self, cube_id: str) -> set[str]:
        """What forgetting a text takes along."""
        return {cube_id} | {one for one, parents in self.states.items() if cube_id in parents}

    def forget(self, ids: set[str]) -> None:
        """These are gone."""
        for one in ids:
            self.forgotten.update(self.texts.pop(one, ()))
            self.states.pop(one, None)

    def derive(self, cube_id: str, parents: list[str]) -> None:
        """A KV cube was made."""
        self.states[cube_id] = set(parents)


@dataclass
class Outcome:
    """What many kills have shown."""

    kills: Counter[str] = field(default_factory=Counter)
    """By the call that was in flight; ``nothing`` between two calls."""
    acknowledged: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    """Cubes compared with the truth, over all rounds."""
    bytes_searched: int = 0
    problems: list[str] = field(default_factory=list)


class Kills:
    """One store, a nursery of processes that work on it, and the truth about it."""

    def __init__(self, store: Path, settings: Settings, *, seed: int) -> None:
        self.store = store
        self.truth = Truth()
        self.outcome = Outcome()
        self._settings = settings.model_dump(mode="json")
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._child: int | None = None
        self._vocabulary = _vocabulary(settings.runtime.model)
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "memos.testing.workload"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},  # noqa: TID251 - for a child
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(ProcessLookupError):
            if self._child is not None:
                os.kill(self._child, signal.SIGKILL)
        self._nursery.kill()
        self._nursery.communicate()

    def round(self, longest: float = 0.4) -> None:
        """Let a process work, kill it at a random moment, and compare."""
        said = self._killed(longest)
        intent = self._learn(said)
        self.outcome.kills[intent["doing"] if intent else "nothing"] += 1
        there = self._told()
        self._settle(intent, there["cubes"])
        self._compare(there)
        self._search(said)

    def _killed(self, longest: float) -> list[dict[str, Any]]:
        self._ask(do="work", seed=self._chance.getrandbits(32))
        self._child = self._line()["pid"]
        said: list[dict[str, Any]] = []
        if self._chance.random() < 0.9:  # the others are killed while they open the store
            while not said or "done" not in said[-1]:
                said.append(self._line())
                if "failed" in said[-1]:
                    raise AssertionError(said[-1]["failed"])
        time.sleep(self._chance.uniform(0.0, longest))
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL)
        while "gone" not in (line := self._line()):
            said.append(line)
        self._child = None
        return said

    def _told(self) -> dict[str, Any]:
        self._ask(do="tell")
        told: dict[str, Any] = {}
        while "gone" not in (line := self._line()):
            told.update(line)
        if "told" not in told:
            raise AssertionError(told.get("failed", "the process that tells has died"))
        there: dict[str, Any] = told["told"]
        return there

    def _ask(self, **what: Any) -> None:
        assert self._nursery.stdin is not None
        asked = {"store": str(self.store), "settings": self._settings, **what}
        self._nursery.stdin.write(json.dumps(asked) + "\n")
        self._nursery.stdin.flush()

    def _line(self) -> dict[str, Any]:
        assert self._nursery.stdout is not None
        line = self._nursery.stdout.readline()
        if not line:
            raise AssertionError("the nursery has died")
        said: dict[str, Any] = json.loads(line)
        return said

    def _learn(self, said: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Take over what was acknowledged, and return what was not."""
        intent: dict[str, Any] | None = None
        for line in said:
            if "failed" in line:
                self.outcome.problems.append(line["failed"])
            elif "doing" in line:
                intent = line
            elif intent is not None:
                self.outcome.acknowledged[line["done"]] += 1
                self._apply(intent, line)
                intent = None
        return intent

    def _apply(self, intent: dict[str, Any], done: dict[str, Any]) -> None:
        match intent["doing"]:
            case "add":
                pairs = zip(done["ids"], intent["texts"], strict=True)
                self.truth.texts.update({one: [text] for one, text in pairs})
            case "update":
                self.truth.texts[intent["id"]].append(intent["text"])
                self._expect(len(self.truth.texts[intent["id"]]) == done["version"], str(done))
            case "forget":
                self._expect(set(done["ids"]) == self.truth.doomed(intent["id"]), str(done))
                self.truth.forget(set(done["ids"]))
            case "transform":
                self.truth.derive(done["id"], intent["parents"])
            case "search":
                self._expect(done["right"], "a search did not find the text itself")

    def _settle(self, intent: dict[str, Any] | None, there: dict[str, Any]) -> None:
        """The call in flight has happened, or not: the truth is what is found, if it is whole."""
        doing = intent["doing"] if intent else "nothing"
        assert intent is not None or doing == "nothing"
        if doing in _UNSEEN or intent is None:
            return
        getattr(self, f"_settle_{doing}")(intent, there)

    def _settle_add(self, intent: dict[str, Any], there: dict[str, Any]) -> None:
        found = {cube["texts"][0]: one for one, cube in there.items()
                 if cube["texts"][0] in intent["texts"]}  # fmt: skip
        self._expect(len(found) in {0, len(intent["texts"])}, f"half an add: {intent}")
        self.truth.texts.update({one: [text] for text, one in found.items()})

    def _settle_update(self, intent: dict[str, Any], there: dict[str, Any]) -> None:
        cube = there.get(intent["id"])
        if cube is not None and intent["text"] in cube["texts"]:
            self.truth.texts[intent["id"]].append(intent["text"])

    def _settle_forget(self, intent: dict[str, Any], there: dict[str, Any]) -> None:
        doomed = self.truth.doomed(intent["id"])
        left = doomed & set(there)
        self._expect(left in (set(), doomed), f"half a forgetting: {intent}, {left} is left")
        if not left:
            self.truth.forget(doomed)

    def _settle_transform(self, intent: dict[str, Any], there: dict[str, Any]) -> None:
        new = [one for one, cube in there.items()
               if cube["kind"] == "activation" and one not in self.truth.states]  # fmt: skip
        self._expect(len(new) <= 1, f"a transform made {new}")
        for one in new:
            self.truth.derive(one, intent["parents"])

    def _compare(self, there: dict[str, Any]) -> None:
        cubes, truth = there["cubes"], self.truth
        self._expect(
            set(cubes) == {*truth.texts, *truth.states}, "other cubes than there should be"
        )
        for one, texts in truth.texts.items():
            self._expect(cubes.get(one, {}).get("texts") == texts, f"{one}: not {texts}")
        for one, parents in truth.states.items():
            cube = cubes.get(one, {"parents": []})
            self._expect({parent for parent, _ in cube["parents"]} == parents, f"{one}: parents")
        self._expect(not there["unlike"], f"{there['unlike']} answer unlike their texts")
        newest = {texts[-1]: one for one, texts in truth.texts.items()}
        for word, found in there["found"].items():
            self._expect(found == [newest.get(word)], f"{word} finds {found}")
        self._expect(not there["problems"], f"check: {there['problems']}")
        self._expect(there["pending"] == 0, f"{there['pending']} tasks are still owed")
        self.outcome.compared += len(cubes)

    def _search(self, said: list[dict[str, Any]]) -> None:
        """No forgotten word in any byte, whole; nor the greater part of one forgotten just now."""
        lately = [word.encode()[4:] for word in self.truth.forgotten if said][-50:]
        for name, content in contents(self.store):
            self.outcome.bytes_searched += len(content)
            words = {found.decode() for found in WORD.findall(content)}
            words |= set(self._spoken(content))
            left = words & self.truth.forgotten
            self._expect(not left, f"{name} still holds {sorted(left)[:3]}")
            part = next((part for part in lately if part in content), None)
            self._expect(part is None, f"{name} still holds a part of a word: {part!r}")

    def _spoken(self, content: bytes) -> Iterator[str]:
        """Words that stand anywhere as numbers of tokens."""
        first = self._vocabulary.get(PREFIX[0])
        if first is None:
            return
        sign = struct.pack("<q", first) + struct.pack("<q", self._vocabulary[PREFIX[1]])
        letters = {number: letter for letter, number in self._vocabulary.items()}
        count = LETTERS + len(PREFIX)
        start = content.find(sign)
        while start >= 0:
            numbers = content[start : start + 8 * count]
            if len(numbers) == 8 * count:
                yield "".join(letters.get(one, "?") for one in struct.unpack(f"<{count}q", numbers))
            start = content.find(sign, start + 8)

    def _expect(self, right: bool, wrong: str) -> None:  # noqa: FBT001 - reads as an assertion
        if not right:
            self.outcome.problems.append(wrong)


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a store, and what is compressed in the archive as well."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            yield path.name, content
            if "archive" in path.parts:
                yield f"archive of {path.name}", zlib.decompressobj().decompress(content[8:])


def report(outcome: Outcome) -> str:
    """The outcome as a table of Markdown."""
    lines = ["| in flight | kills | acknowledged calls |", "|---|---:|---:|"]
    lines += [
        f"| {kind} | {outcome.kills[kind]:,} | {outcome.acknowledged[kind]:,} |" for kind in _KINDS
    ]
    total = sum(outcome.kills.values())
    lines.append(f"| together | {total:,} | {sum(outcome.acknowledged.values()):,} |")
    return "\n".join(lines)


def _vocabulary(model: str) -> dict[str, int]:
    """The tokens of a model whose tokens are letters, by letter; empty for any other model."""
    from pathlib import Path

    path = Path(model) / "tokenizer.json"
    if not path.is_file():
        return {}
    vocabulary = json.loads(path.read_text(encoding="utf-8"))["model"]["vocab"]
    return {letter: number for letter, number in vocabulary.items() if len(letter) == 1}
