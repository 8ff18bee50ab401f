"""How much of what must be redacted is, how much of the rest is left, and how long it takes.

    python -m benchmarks.redaction [--regions US,GB] [--show]

Over the texts of ``redaction.json``, in which what must go is marked. The second half of them, the
held-out one, was written after the patterns were settled. A thing is recalled when all of it is
replaced; a finding that touches no mark is false. Times are CPU time per text.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machine import machine
from memos.models.redactor_detectors import REGIONS, DetectorRedactor
from memos.models.redactor_patterns import PatternRedactor
from memos.ports.redactor import Finding

if TYPE_CHECKING:
    from memos.ports.redactor import Redactor

KINDS = ("email", "phone", "key", "card")
_MARK = re.compile(r"\[\[(email|phone|key|card)\|(.*?)\]\]", re.DOTALL)
_REMARK = (
    "Alice told me that she moved to Lisbon because her sister lives there, "
    "and the weather is nicer than in Leeds."
)


@dataclass(frozen=True, slots=True)
class Case:
    """A text, and what must go."""

    text: str
    marks: tuple[Finding, ...]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regions", default=",".join(REGIONS))
    parser.add_argument("--show", action="store_true", help="print what was missed or false")
    arguments = parser.parse_args()
    regions = [region for region in arguments.regions.split(",") if region]
    redactors: dict[str, Redactor] = {
        "detectors": DetectorRedactor(regions),
        "patterns": PatternRedactor(),
    }
    print(machine())
    libraries = ("bc-detect-secrets", "phonenumberslite")
    print(", ".join(f"{name} {version(name)}" for name in libraries))
    sets = read(Path(__file__).with_suffix(".json"))
    print("\n| texts | redactor | " + " | ".join(KINDS) + " | false, in texts with nothing |")
    print("|---|---|" + "---|" * (len(KINDS) + 1))
    for name, cases in sets.items():
        for backend, redactor in redactors.items():
            print(f"| {name} ({len(cases)}) | {backend} | " + _row(cases, redactor, arguments.show))
    print("\n| redactor | first text | a plain remark | a text of the set | 10,000 characters |")
    print("|---|---|---|---|---|")
    texts = [case.text for cases in sets.values() for case in cases]
    for backend in redactors:
        print(f"| {backend} | " + _times(backend, regions, texts))


def read(path: Path) -> dict[str, list[Case]]:
    """The sets of texts, by name."""
    content = json.loads(path.read_text(encoding="utf-8"))
    content.pop("about")
    return {
        name: [_case(marked) for texts in kinds.values() for marked in texts]
        for name, kinds in content.items()
    }


def _case(marked: str) -> Case:
    marked = marked.replace("~", "")
    text, marks, read_up_to = "", [], 0
    for mark in _MARK.finditer(marked):
        text += marked[read_up_to : mark.start()]
        marks.append(Finding(len(text), len(text) + len(mark[2]), mark[1]))
        text, read_up_to = text + mark[2], mark.end()
    return Case(text + marked[read_up_to:], tuple(marks))


def _row(cases: list[Case], redactor: Redactor, show: bool) -> str:  # noqa: FBT001
    there, recalled, right, false = (dict.fromkeys(KINDS, 0) for _ in range(4))
    nothing = 0
    answers = redactor.redact([case.text for case in cases])
    for case, answer in zip(cases, answers, strict=True):
        for mark in case.marks:
            gone = any(one.start <= mark.start and mark.end <= one.end for one in answer.findings)
            there[mark.what] += 1
            recalled[mark.what] += gone
            if show and not gone:
                print(f"missed {mark.what}: {case.text[mark.start : mark.end]!r} in {case.text!r}")
        for found in answer.findings:
            hits = any(found.start < mark.end and mark.start < found.end for mark in case.marks)
            (right if hits else false)[found.what] += 1
            nothing += not case.marks
            if show and not hits:
                print(f"false {found.what}: {case.text[found.start : found.end]!r}")
    cells = [
        f"recall {recalled[kind]}/{there[kind]}, precision {_share(right[kind], false[kind])}"
        for kind in KINDS
    ]
    return " | ".join([*cells, f"{nothing} in {sum(not case.marks for case in cases)}"]) + " |"


def _share(right: int, false: int) -> str:
    return f"{right}/{right + false}"


def _times(backend: str, regions: list[str], texts: list[str]) -> str:
    redactor: Redactor = DetectorRedactor(regions) if backend == "detectors" else PatternRedactor()
    page = " ".join([_REMARK] * 100)[:10_000]
    cells = [
        f"{_first_text(backend):.0f} ms",
        f"{_cpu(redactor, [_REMARK] * 1000):.0f} us",
        f"{_cpu(redactor, texts):.0f} us",
        f"{_cpu(redactor, [page] * 20):.0f} us",
    ]
    return " | ".join(cells) + " |"


def _first_text(backend: str) -> float:
    """Milliseconds of CPU time that the first text takes in a process of its own, for imports."""
    script = (
        "import time; from memos.plugins import find; "
        f"redactor = find('redactor', {backend!r})(); started = time.process_time(); "
        "redactor.redact(['hello']); print(1000 * (time.process_time() - started))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    return float(done.stdout)


def _cpu(redactor: Redactor, texts: list[str]) -> float:
    """Microseconds of CPU time per text."""
    started = time.process_time()
    redactor.redact(texts)
    return 1_000_000 * (time.process_time() - started) / len(texts)


if __name__ == "__main__":
    main()
