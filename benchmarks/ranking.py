"""Fits how much each feature counts in a ranking, and says how well that does on unseen questions.

    python -m benchmarks.ranking FOLDER            cross-validation and ablations
    python -m benchmarks.ranking FOLDER --write    and write memos/retrieval/weights.py

Every data set is remembered by a store as the harness does it, and the features are the product's
own, read where it would rank. A question is learnt from by a softmax over its candidates (ListNet;
Cao et al., "Learning to Rank: From Pairwise Approach to Listwise Approach", 2007). Five folds, by
memory space where there are five or more, else by question. Sets of one form are learnt together,
each with equal weight.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.machine import machine
from memos import MemOS, Right
from memos.evaluation.measures import complete, recall
from memos.evaluation.reading import read_file
from memos.evaluation.trial import batches
from memos.retrieval.rank import PARTS, forms, measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from memos.evaluation.case import Case

    Weights = Mapping[str, Mapping[str, float]]

SETS = {
    "locomo": "turn",
    "beam_100K": "message",
    "mh_2wiki": "passage",
    "mh_musique": "passage",
    "mh_hotpot": "passage",
    "longmemeval_s_500c": "note",
}
"""Which form the memories of a set have."""
FOLDS = 5
RIDGE = {"turn": 0.003, "message": 0.01, "passage": 0.01, "note": 0.02}
"""How strongly weights are held near 0: the more, the fewer questions there are to learn from."""
USED = {
    "turn": tuple(chain.from_iterable(PARTS[part] for part in PARTS if part != "recency")),
    "message": tuple(chain.from_iterable(PARTS[part] for part in PARTS if part != "recency")),
    "passage": tuple(
        chain.from_iterable(
            PARTS[part] for part in ("vectors", "tokens", "words", "graph", "title")
        )
    ),
    "note": tuple(
        chain.from_iterable(
            PARTS[part] for part in ("vectors", "tokens", "words", "answer", "form", "graph")
        )
    ),
}
"""Features that may count for a form; of these, those that are never 0. What is newest is nowhere
all that is asked for: of a fact that has changed, the sets want the old memory, too."""
STEPS = 60
_WITH = "Where the embedding model tells of tokens; the others are for where it does not."


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its candidates."""

    space: str
    names: tuple[str, ...]
    values: NDArray[np.float32]
    """[candidates, features]"""
    gold: tuple[int, ...]
    """The candidates that hold evidence."""
    evidence: int
    """How many memories do, whether they are candidates or not."""


def examples(cases: Iterable[Case], form: str, left_out: frozenset[str]) -> Iterator[Example]:
    """Every question of the cases, as the product comes to rank its candidates."""
    for case in cases:
        asked = [one for one in case.questions if one.gold and one.category not in left_out]
        if not asked:
            continue
        with MemOS.open() as mem:
            ids: dict[str, str] = {}
            for batch in batches(case.memories):
                made = mem.add([dict(memory.message) for memory in batch], user_id=case.name)
                ids |= {memory.id: cube.id for memory, cube in zip(batch, made, strict=True)}
            for question in asked:
                gold = {ids[one] for one in question.gold}
                yield _example(mem, case.name, question.text, gold=gold, form=form)


def _example(mem: MemOS, space: str, text: str, *, gold: set[str], form: str) -> Example:
    # The one place outside the kernel that looks at a search before it is ranked.
    with mem._act("search", Right.READ, user_id=space) as act:  # noqa: SLF001
        vectors = mem._index.vectors  # noqa: SLF001
        evidence = mem._finder.evidence(text, vectors, reach=act.reach(), now=act.at)  # noqa: SLF001
    if evidence is None or set(forms(evidence)) != {form}:
        raise SystemExit(f"{space}: not all candidates are of the form {form}")
    found = measured(evidence, forms(evidence))
    names = tuple(name for name in USED[form] if name in found)
    rows = tuple(row for row in range(evidence.count) if evidence.outlines[row].id in gold)
    values = np.stack([found[name] for name in names], axis=1).astype(np.float32)
    return Example(space, names, values, rows, len(gold))


# --- learning -----------------------------------------------------------------------------------


def fit(
    sets: Sequence[Sequence[Example]], used: Sequence[str], ridge: float
) -> NDArray[np.float32]:
    """The weights of the features ``used``."""
    data = [_tensors(each, used) for each in sets if each]
    weights = torch.zeros(len(used), requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = ridge * (weights**2).sum()
        for values, absent, target in data:
            chances = torch.log_softmax(values @ weights + absent, 1)
            loss = loss - (target * chances).sum(1).mean() / len(data)
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach().numpy()


def _tensors(
    asked: Sequence[Example], used: Sequence[str]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    learnt = [one for one in asked if one.gold]
    longest = max(len(one.values) for one in learnt)
    values = torch.zeros(len(learnt), longest, len(used))
    absent = torch.full((len(learnt), longest), -1e9)
    target = torch.zeros(len(learnt), longest)
    for row, one in enumerate(learnt):
        count = len(one.values)
        values[row, :count] = torch.from_numpy(_columns(one, used))
        absent[row, :count] = 0
        target[row, list(one.gold)] = 1 / len(one.gold)
    return values, absent, target


def _columns(one: Example, used: Sequence[str]) -> NDArray[np.float32]:
    at = {name: column for column, name in enumerate(one.names)}
    none = np.zeros(len(one.values), np.float32)
    return np.stack([one.values[:, at[name]] if name in at else none for name in used], axis=1)


def folded(asked: Sequence[Example]) -> list[int]:
    """The fold of each question."""
    spaces = list(dict.fromkeys(one.space for one in asked))
    if len(spaces) < FOLDS:
        return [number % FOLDS for number in range(len(asked))]
    fold = {space: number % FOLDS for number, space in enumerate(spaces)}
    return [fold[one.space] for one in asked]


def validated(
    data: Mapping[str, Sequence[Example]], form: str, used: Sequence[str]
) -> dict[str, list[float]]:
    """By set, recall@5, @10, @20 and the share of questions with all evidence among five."""
    folds = {name: folded(asked) for name, asked in data.items()}
    weights = [
        fit(
            [
                [one for one, at in zip(asked, folds[name], strict=True) if at != fold]
                for name, asked in data.items()
            ],
            used,
            RIDGE[form],
        )
        for fold in range(FOLDS)
    ]
    return {
        name: _measured(
            [(one, weights[at]) for one, at in zip(asked, folds[name], strict=True)], used
        )
        for name, asked in data.items()
    }


def _measured(
    asked: Sequence[tuple[Example, NDArray[np.float32]]], used: Sequence[str]
) -> list[float]:
    rows = []
    for one, weights in asked:
        order = [str(row) for row in np.argsort(-(_columns(one, used) @ weights), kind="stable")]
        gold = [
            *map(str, one.gold),
            *(f"lost {row}" for row in range(one.evidence - len(one.gold))),
        ]
        rows.append([*(recall(order, gold, k) for k in (5, 10, 20)), complete(order, gold, 5)])
    return [round(100 * float(each), 1) for each in np.mean(rows, axis=0)]


# --- telling ------------------------------------------------------------------------------------


def main() -> None:
    """Read, learn, tell and perhaps write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--sets", default=",".join(SETS))
    given = arguments.parse_args()
    print(machine(), "\n\nrecall@5 / @10 / @20 / all@5 in percent, each question unseen\n")
    fitted: dict[str, dict[str, dict[str, float]]] = {"WEIGHTS": {}, "WITHOUT_TOKENS": {}}
    for form in dict.fromkeys(SETS.values()):
        data = {
            name: list(
                examples(
                    read_file(given.folder / f"{name}.jsonl").cases,
                    form,
                    frozenset("5") if name == "locomo" else frozenset(),
                )
            )
            for name in given.sets.split(",")
            if SETS[name] == form
        }
        if not data:
            continue
        there = {name for asked in data.values() for one in asked for name in one.names}
        used = [name for name in USED[form] if name in there]
        for name, asked in data.items():
            ceiling = np.mean([len(one.gold) / one.evidence for one in asked])
            print(
                f"{name}: {len(asked)} questions, {100 * ceiling:.1f} % of the evidence "
                "among the candidates"
            )
        _tell(f"{form}: all", validated(data, form, used))
        for part, names in PARTS.items():
            left = [name for name in used if name not in names]
            if left and len(left) < len(used):
                _tell(f"{form}: without {part}", validated(data, form, left))
        for table, of in fitted.items():
            kept = [name for name in used if table == "WEIGHTS" or name not in PARTS["tokens"]]
            weights = fit(list(data.values()), kept, RIDGE[form])
            of[form] = {
                name: round(float(each), 3) for name, each in zip(kept, weights, strict=True)
            }
            print(f"{table}, {form}:", of[form], "\n", flush=True)
    if given.write:
        _write(fitted)


def _tell(what: str, told: Mapping[str, Sequence[float]]) -> None:
    cells = " | ".join(f"{name} {' / '.join(map(str, each))}" for name, each in told.items())
    print(f"{what:28s} {cells}", flush=True)


def _write(fitted: Mapping[str, Weights]) -> None:
    target = Path(sys.modules["memos"].__path__[0]) / "retrieval" / "weights.py"
    lines = [target.read_text().partition("WEIGHTS:")[0]]
    for table, by_form in fitted.items():
        lines.append(f"{table}: Mapping[str, Mapping[str, float]] = {{\n")
        for form, weights in by_form.items():
            lines.append(f'    "{form}": {{\n')
            told = {"time": "TIME", "recent": "RECENT", **weights}
            lines += [f'        "{name}": {weight},\n' for name, weight in told.items()]
            lines.append("    },\n")
        lines.append("}\n")
    target.write_text("".join(lines).replace("}\nWITHOUT", f'}}\n"""{_WITH}"""\n\nWITHOUT'))


if __name__ == "__main__":
    main()
