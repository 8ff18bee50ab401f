"""A language model may word what weights are taught; the cube and the journal tell its part."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemCube, MemOS
from memos.config import LLMSettings, TrainingSettings
from memos.cube import Parametric
from memos.errors import MissingModel, Unreachable, Unrecorded
from memos.testing.endpoint import Endpoint, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from memos.config import Settings

SAID = ("Orla Venn lives in Tartu.", "Piet Marrow lives in Utrecht.")
QUESTIONS = (
    "In which town would one meet {}?",
    "Which place is home to {}?",
    "Where is it that {} has settled?",
)


def shown(request: Mapping[str, Any]) -> str:
    """The text that the model is shown."""
    text: str = json.loads(request["messages"][-1]["content"])["memory"]["text"]
    return text


def answer(request: Mapping[str, Any]) -> str:
    """Good questions about Orla, and a home that the text does not tell of Piet."""
    whom = shown(request).split(" lives ")[0]
    asked = [wording.format(whom) for wording in QUESTIONS]
    return json.dumps({
        "facts": [{"subject": whom, "answer": "Tartu", "questions": asked, "reversed": []}]
    })  # fmt: skip


def chosen(settings: Settings, *, teacher: str = "llm", **llm: Any) -> Settings:
    training = TrainingSettings(steps=2, required_recall=0, allowed_drift=1e9, teacher=teacher)
    return settings.model_copy(update={"training": training, "llm": LLMSettings(**llm)})


@contextmanager
def taught_by(settings: Settings, **more: Any) -> Iterator[tuple[MemOS, Endpoint]]:
    """A store whose weights are taught by a model behind an endpoint."""
    with serving(answer) as endpoint:
        llm = {"backend": "openai", "url": endpoint.url, "model": "tiny", **more}
        with MemOS.open(None, settings=chosen(settings, **llm)) as mem:
            yield mem, endpoint


def trained(mem: MemOS, *texts: str, **more: Any) -> MemCube:
    ids = [mem.add(text, user_id="alice", **more)[0].id for text in texts]
    return mem.transform(ids, to=Kind.PARAMETRIC)


def last(mem: MemOS, call: str = "transform") -> str:
    """How the last row of a call in the journal ends."""
    rows = mem._parts.journal.newest(20)
    return next(row.audit.outcome for row in rows if row.audit.call == call)


def test_what_a_model_taught_and_what_was_left_to_the_rules_is_told(settings: Settings) -> None:
    with taught_by(settings) as (mem, endpoint):
        cube = trained(mem, *SAID)
        assert {shown(request) for request in endpoint.asked} == set(SAID)
        told = dict(cube.provenance.step.parameters)
        told.pop("code")
        assert told == {
            "teacher": "llm",
            "taught_by": "tiny",
            "left_to_rules": "1 of 2 by rules",
            "refused": "1: its answer does not stand in the text",
        }
        assert last(mem) == "1 of 2 by rules"


def test_of_what_a_model_taught_alone_there_is_nothing_further_to_tell(settings: Settings) -> None:
    with taught_by(settings) as (mem, _):
        told = trained(mem, SAID[0]).provenance.step.parameters
        assert set(told) == {"code", "teacher", "taught_by"}
        assert last(mem) == "ok"


def test_who_taught_examines_again(settings: Settings) -> None:
    with taught_by(settings) as (mem, endpoint):
        cube = trained(mem, SAID[0])
        evaluation = mem.evaluate(cube.id)
        assert [shown(request) for request in endpoint.asked] == [SAID[0]] * 2
    assert isinstance(cube.payload, Parametric)
    assert evaluation.questions == cube.payload.evaluation.questions == 1


def test_rules_teach_unless_the_settings_say_otherwise(settings: Settings) -> None:
    with taught_by(settings) as (_, endpoint):
        llm = {"backend": "openai", "url": endpoint.url, "model": "tiny"}
        with MemOS.open(None, settings=chosen(settings, teacher="rules", **llm)) as mem:
            told = trained(mem, SAID[0]).provenance.step.parameters
        assert endpoint.asked == []
    assert told["teacher"] == "rules"
    assert "taught_by" not in told


def test_what_is_secret_is_shown_to_no_model_elsewhere_and_taught_by_rules(
    settings: Settings, tmp_path: Path
) -> None:
    said = {"text": "{}", "prompt_tokens": 0, "tokens": 0, "cut": False}
    row = {"format": 1, "key": "0" * 64, "model": "tiny", "remote": True, "answer": said}
    recording = tmp_path / "answers.jsonl"
    recording.write_text(json.dumps(row) + "\n")
    llm = {"backend": "replay", "recording": str(recording)}
    with MemOS.open(None, settings=chosen(settings, **llm)) as mem:
        told = trained(mem, SAID[0], sensitivity="secret").provenance.step.parameters
        assert told["left_to_rules"] == "1 of 1 by rules"
        with pytest.raises(Unrecorded):
            trained(mem, SAID[1])


def test_a_teacher_that_needs_a_model_is_refused_where_there_is_none(settings: Settings) -> None:
    with pytest.raises(MissingModel, match="teacher 'llm'"):
        MemOS.open(None, settings=chosen(settings))


def test_while_the_model_does_not_answer_the_training_is_owed(settings: Settings) -> None:
    llm = {"backend": "openai", "url": "http://127.0.0.1:9/v1", "model": "x"}
    with MemOS.open(None, settings=chosen(settings, **llm, timeout_seconds=1)) as mem:
        with pytest.raises(Unreachable):
            trained(mem, SAID[0])
        assert len(mem.owed_trainings()) == 1
        assert mem.get_all(kind=Kind.PARAMETRIC) == []
