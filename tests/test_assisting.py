"""The language model and the steps are the ones that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memos import MemOS
from memos.assisting import require_steps
from memos.config import (
    EmbedderSettings,
    ExtractionSettings,
    FindingSettings,
    LLMSettings,
    Settings,
    TrainingSettings,
)
from memos.errors import BadInput, BadSetting, MissingKey, MissingModel, UnknownBackend, Unrecorded
from memos.testing.endpoint import serving
from memos.testing.tiny_model import write_tiny_model

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-test-3q2x7wSecretSecretSecret"
FACTS = '{"facts": []}'


def settings(**llm: object) -> Settings:
    return Settings(embedder=EmbedderSettings(backend="hash"), llm=LLMSettings(**llm))


def extract(chosen: Settings, runtime: str | None = None) -> str:
    with MemOS.open(None, settings=chosen, runtime=runtime) as mem:
        mem.add("I moved to Lisbon.", user_id="alice")
        return mem.extract(user_id="alice", by="llm").by


def test_what_an_endpoint_answered_is_replayed_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMOS_LLM_KEY", KEY)
    file = str(tmp_path / "answers.jsonl")
    with serving(lambda _: FACTS) as endpoint:
        live = {"backend": "openai", "url": endpoint.url, "model": "tiny", "key_from": "env"}
        assert extract(settings(**live, recording=file)) == "tiny"
        assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in (tmp_path / "answers.jsonl").read_text()
    assert extract(settings(backend="replay", recording=file)) == "tiny"
    with pytest.raises(Unrecorded):
        extract(settings(backend="replay", recording=file, model="other"))


def test_a_key_that_is_nowhere_is_missed_by_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENT_MEMOS_LLM_KEY", raising=False)
    chosen = settings(backend="openai", url="https://example.com", model="x", key_from="env")
    require_steps(chosen)
    with pytest.raises(MissingKey, match="AGENT_MEMOS_LLM_KEY"):
        extract(chosen)


def test_the_runtime_s_model_is_the_store_s_own(tmp_path: Path) -> None:
    write_tiny_model(tmp_path)
    chosen = settings(backend="runtime").model_copy(update={"cache": str(tmp_path / "cache")})
    with MemOS.open(None, settings=chosen, runtime=str(tmp_path)) as mem:
        mem._steps.rewriter("auto")
        llm = mem._steps._llm
        assert llm is not None
        assert llm.name.partition("@")[0] == mem._parts.runtime.fingerprint.name
        assert not llm.remote


def test_no_recording_is_written_into_the_store(tmp_path: Path) -> None:
    inside = str(tmp_path / "store" / "answers.jsonl")
    chosen = settings(backend="openai", url="http://127.0.0.1:9", model="x", recording=inside)
    with MemOS.open(tmp_path / "store", settings=chosen) as mem:
        (cube,) = mem.add("I moved to Lisbon.", user_id="alice")
        with pytest.raises(BadInput, match="store"):
            mem.extract([cube.id], by="llm")
        assert mem.extract([cube.id], by="rules").facts


@pytest.mark.parametrize(
    ("llm", "error"),
    [
        ({"backend": "magic"}, UnknownBackend),
        ({"backend": "replay"}, BadSetting),
        ({"backend": "openai", "url": "nowhere", "model": "x"}, BadSetting),
        ({"backend": "openai", "url": "https://example.com"}, BadSetting),
        ({"backend": "none"}, MissingModel),
    ],
)
def test_what_cannot_be_is_told(llm: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        extract(settings(**llm))


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ({"finding": FindingSettings(rewrite="llm")}, MissingModel),
        ({"finding": FindingSettings(rerank="magic")}, UnknownBackend),
        ({"extraction": ExtractionSettings(extractor="llm")}, MissingModel),
        ({"training": TrainingSettings(teacher="llm")}, MissingModel),
        ({"training": TrainingSettings(teacher="magic")}, UnknownBackend),
    ],
)
def test_a_step_that_the_settings_name_must_be_possible(
    steps: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        require_steps(Settings().model_copy(update=steps))
