"""The second half of the demo, about what is made from text: attention state and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cli.cubes import facts, lineage_tree
from memos.cli.output import one_line
from memos.cli.tables import counted, doomed_table, facts_table, size
from memos.cli.teller import side_by_side
from memos.cube import Activation, Kind, MemCube, Parametric
from memos.errors import StaleCube
from memos.kinds.lessons import lessons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue
    from rich.console import RenderableType

    from memos import Answer
    from memos.cli.story import Stage
    from memos.ports.lessons import Lessons
    from memos.ports.runtime import Example

_ASKED = 4
"""Questions that are asked before and after training."""
_BLANK = "____"
"""What stands in a question for a word that is to be filled in."""


def tell_derived(stage: Stage) -> None:
    """Make a KV cube and a LoRA cube, use them, and see them go with their sources."""
    taught = _teachable(stage)
    state = _keep_state(stage, taught)
    weights = _train(stage, taught) if taught else None
    if weights is None:
        stage.teller.step(
            "train",
            "No LoRA is trained",
            {"facts": 0},
            "Nothing in this conversation says something about somebody plainly enough.",
        )
    else:
        _show_lineage(stage, weights)
    source = _shared(stage, state, taught)
    made = [state, *([weights] if weights is not None else [])]
    _make_stale(stage, source, made)
    _forget(stage, source)


def _teachable(stage: Stage) -> list[MemCube]:
    """Memories that plain questions can be asked about, oldest first."""
    plan = stage.plan
    cubes = stage.mem.get_all(kind=Kind.PLAINTEXT)
    plain = [
        cube
        for cube in cubes
        if (not plan.taught or cube.text.startswith(plan.taught)) and _asked(lessons([cube]))
    ]
    return plain[-plan.facts :]


def _asked(material: Lessons) -> list[Example]:
    """The questions of an examination that are whole sentences."""
    return [one for one in material.held_out if _BLANK not in one.question]


def _shared(stage: Stage, state: MemCube, taught: Sequence[MemCube]) -> MemCube:
    """A memory that the KV cube and, where there is one, the LoRA were made from."""
    parents = [parent.id for parent in state.provenance.parents]
    of_both = [cube for cube in taught if cube.id in parents]
    return of_both[0] if of_both else stage.mem.get(parents[0])


def _recalled(stage: Stage, taught: Sequence[MemCube]) -> list[str]:
    """What a search finds, the best last, next to the question; one of the taught is among it."""
    hits = stage.mem.search(stage.plan.recalled.question, k=stage.plan.memories)
    ids = [hit.cube.id for hit in reversed(hits)]
    if taught and not any(cube.id in ids for cube in taught):
        ids.insert(0, taught[0].id)
    return ids


def _keep_state(stage: Stage, taught: Sequence[MemCube]) -> MemCube:
    mem, question = stage.mem, stage.plan.recalled.question
    ids = _recalled(stage, taught)
    state = mem.transform(ids, to=Kind.ACTIVATION, progress=stage.progress)
    as_text = mem.chat(question, memories=ids, max_tokens=32)
    resumed = mem.chat(question, memories=[state.id], max_tokens=32)
    payload = state.payload
    if not isinstance(payload, Activation):
        raise TypeError(payload)
    same = as_text.text == resumed.text
    stage.teller.step(
        "keep-state",
        "What the model has read is kept as a KV cube, and resumed instead of read again",
        {
            "id": state.id,
            "tokens": payload.tokens,
            "size_bytes": payload.size_bytes,
            "prefill_seconds": payload.prefill_seconds,
            "as_text": as_text.model_dump(mode="json"),
            "resumed": resumed.model_dump(mode="json"),
            "identical": same,
        },
        f"{counted(len(ids), 'memory')}, {payload.tokens:,} tokens: {size(payload.size_bytes)} of "
        f"keys and values, read in {payload.prefill_seconds:.2f} s.",
        "",
        _costs(question, as_text, resumed),
        "",
        f"The answers are {'identical' if same else 'different'}: {one_line(resumed.text)!r}",
    )
    return state


def _costs(question: str, as_text: Answer, resumed: Answer) -> RenderableType:
    rows = [
        [
            name,
            f"{answer.first_token_seconds:.2f} s",
            f"{answer.prompt_tokens - answer.reused_tokens:,}",
            f"{answer.reused_tokens:,}",
        ]
        for name, answer in (("memories as text", as_text), ("memories as KV", resumed))
    ]
    return side_by_side(rows, [question, "first token after", "tokens read", "tokens reused"])


def _train(stage: Stage, taught: Sequence[MemCube]) -> MemCube:
    mem = stage.mem
    asked = _examined(taught)
    before = [mem.chat(one.question, memories=[], max_tokens=16) for one in asked]
    weights = mem.transform(
        [cube.id for cube in taught], to=Kind.PARAMETRIC, progress=stage.progress
    )
    after = [
        mem.chat(one.question, memories=[weights.id], max_tokens=16, allow_unfit=True)
        for one in asked
    ]
    rows = [
        [one.question, one.answer, one_line(old.text), one_line(new.text)]
        for one, old, new in zip(asked, before, after, strict=True)
    ]
    stage.teller.step(
        "train",
        "Facts are trained into a LoRA cube, and asked for without any text",
        {
            "id": weights.id,
            "facts": [cube.id for cube in taught],
            "evaluation": _evaluation(weights),
            "answers": [
                dict(zip(("question", "expected", "before", "after"), row, strict=True))
                for row in rows
            ],
        },
        facts_table(_chosen(facts(weights), ("made from", "adapter", "size", "training"))),
        f"Examined on wordings that were not trained: {facts(weights)['verdict']}.",
        "",
        side_by_side(rows, ["question", "expected", "before", "after"]),
    )
    return weights


def _examined(taught: Sequence[MemCube]) -> list[Example]:
    """One question about each of the last few memories."""
    held_out = lessons(taught).held_out
    of_each = [[one for one in _asked(lessons([cube])) if one in held_out] for cube in taught]
    return [own[-1] for own in of_each if own][-_ASKED:]


def _evaluation(cube: MemCube) -> dict[str, JsonValue]:
    if not isinstance(cube.payload, Parametric):
        raise TypeError(cube.payload)
    evaluation = cube.payload.evaluation
    return {**evaluation.model_dump(mode="json"), "passed": evaluation.passed}


def _chosen(all_facts: dict[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: all_facts[name] for name in names if name in all_facts}


def _show_lineage(stage: Stage, weights: MemCube) -> None:
    lineage = stage.mem.lineage(weights.id)
    stage.teller.step(
        "lineage",
        "The LoRA knows what it was made from, back to the file",
        lineage.model_dump(mode="json", include={"ancestors": {"__all__": {"distance", "stale"}}}),
        lineage_tree(lineage),
    )


def _make_stale(stage: Stage, source: MemCube, made: Sequence[MemCube]) -> None:
    stage.mem.update(source.id, f"{source.text} (Things have changed since.)")
    refused = [_refusal(stage, cube) for cube in made]
    stage.teller.step(
        "stale",
        "A source is revised: what was made from it is not served any more",
        {"revised": source.id, "refused": [cube.id for cube in made]},
        f"Revised: {one_line(source.text)}",
        "",
        *refused,
    )


def _refusal(stage: Stage, cube: MemCube) -> str:
    try:
        stage.mem.chat(stage.plan.recalled.question, memories=[cube.id], allow_unfit=True)
    except StaleCube as error:
        return f"StaleCube: {error.message}; {error.hint}."
    return f"{cube.kind} cube {cube.id} was served, although it is stale."


def _forget(stage: Stage, source: MemCube) -> None:
    forgotten = stage.mem.delete(source.id)
    report = stage.mem.check(progress=stage.progress)
    looked_at = ", ".join(f"{count:,} {what}" for what, count in report.checked.items())
    blocks = counted(forgotten.rows["blocks"], "block")
    stage.teller.step(
        "forget",
        "A source is forgotten: what was made from it goes along",
        {
            "forgotten": list(forgotten.ids),
            "blobs": list(forgotten.blobs),
            "blocks": forgotten.rows["blocks"],
            "check": {"ok": report.ok, "checked": dict(report.checked)},
        },
        doomed_table(forgotten.cubes),
        "",
        f"With them went {blocks} of KV and {counted(len(forgotten.blobs), 'blob')}. "
        f"{'All is well' if report.ok else 'Something is wrong'}: looked at {looked_at}.",
    )
