"""What was answered once is answered again; what was not, is missed."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from memos.errors import BadSetting, Unrecorded
from memos.models.llm_openai import OpenAILLM
from memos.models.llm_replay import RecordingLLM, ReplayLLM, key_of
from memos.ports.runtime import Message
from memos.testing.endpoint import serving
from memos.testing.llm import LIMIT, OTHER, QUESTION, SCHEMA, LLMSuite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTE = "Alice's address is her own"


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "answers.jsonl"
    with serving(lambda request: "two\u2028lines" if "stop" not in request else "y") as endpoint:
        llm = RecordingLLM(OpenAILLM("tiny", url=endpoint.url), path)
        for asked in (QUESTION, OTHER, QUESTION, [Message("user", NOTE)]):
            llm.complete(asked, max_tokens=LIMIT)
        llm.complete(QUESTION, max_tokens=LIMIT, stop=["e"])
        llm.complete(QUESTION, max_tokens=LIMIT, schema=SCHEMA)
        llm.close()
        yield path


class TestReplayLLM(LLMSuite):
    @pytest.fixture
    def llm(self, recording: Path) -> ReplayLLM:
        return ReplayLLM(recording)


class TestRecordingLLM(LLMSuite):
    @pytest.fixture
    def llm(self, recording: Path, tmp_path: Path) -> RecordingLLM:
        return RecordingLLM(ReplayLLM(recording), tmp_path / "again.jsonl")


def test_an_answer_is_written_once_for_its_owner_alone_and_no_question_is(recording: Path) -> None:
    assert len(recording.read_text().rstrip("\n").split("\n")) == 5
    assert stat.S_IMODE(recording.stat().st_mode) == 0o600
    assert NOTE not in recording.read_text()


def test_a_replay_answers_as_the_model_did(recording: Path) -> None:
    llm = ReplayLLM(recording)
    assert (llm.name, llm.remote) == ("tiny", False)
    assert llm.complete(QUESTION, max_tokens=LIMIT).text == "two\u2028lines"


def test_what_was_not_recorded_raises_with_its_key(recording: Path) -> None:
    with pytest.raises(Unrecorded) as caught:
        ReplayLLM(recording).complete(QUESTION, max_tokens=LIMIT + 1)
    key = key_of("tiny", QUESTION, max_tokens=LIMIT + 1, stop=(), schema=None)
    assert key in caught.value.message
    with pytest.raises(Unrecorded):
        ReplayLLM(recording, model="another").complete(QUESTION, max_tokens=LIMIT)


def test_every_part_of_a_question_counts() -> None:
    def key(*messages: Message, tokens: int = 1, stop: str = "", schema: bool = False) -> str:
        form = SCHEMA if schema else None
        return key_of("m", messages, max_tokens=tokens, stop=[stop] if stop else [], schema=form)

    one, other = Message("user", "a"), Message("system", "a")
    keys = [key(one), key(other), key(one, one), key(one, tokens=2), key(one, stop="x"),
            key(one, schema=True)]  # fmt: skip
    keys.append(key_of("n", [one], max_tokens=1, stop=[], schema=None))
    assert len(set(keys)) == len(keys)
    assert key(one) == key(Message("user", "a"))


def test_a_recording_goes_on_where_it_was(recording: Path) -> None:
    llm = RecordingLLM(ReplayLLM(recording), recording)
    before = recording.read_bytes()
    llm.complete(QUESTION, max_tokens=LIMIT)
    assert recording.read_bytes() == before


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 2}', "\xff", "", "\n"])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(BadSetting, match=r"bad\.jsonl"):
        _ = ReplayLLM(path).name


def test_a_recording_that_is_not_there_or_cannot_be_written_is_named(
    recording: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadSetting, match=r"none\.jsonl"):
        ReplayLLM(tmp_path / "none.jsonl", model="tiny").complete(QUESTION, max_tokens=1)
    llm = RecordingLLM(ReplayLLM(recording), tmp_path / "no" / "folder.jsonl")
    with pytest.raises(BadSetting, match="cannot be written"):
        llm.complete(QUESTION, max_tokens=LIMIT)


def test_of_several_models_one_must_be_named(recording: Path) -> None:
    line = recording.read_text().split("\n")[0]
    with recording.open("a") as file:
        file.write(line.replace('"tiny"', '"great"') + "\n")
    with pytest.raises(BadSetting, match="great, tiny"):
        _ = ReplayLLM(recording).name
    assert ReplayLLM(recording, model="great").name == "great"
