"""The model of this machine answers as any other does."""

from __future__ import annotations

import pytest

from memos.models.llm_runtime import RuntimeLLM, cut_at
from memos.models.runtime_torch import TorchRuntime
from memos.ports.runtime import Message
from memos.testing.llm import LIMIT, QUESTION, LLMSuite
from memos.testing.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> TorchRuntime:
    folder = tmp_path_factory.mktemp("model")
    write_tiny_model(folder)
    return TorchRuntime(str(folder), cache_folder=folder / "cache", device="cpu")


class TestRuntimeLLM(LLMSuite):
    @pytest.fixture
    def llm(self, runtime: TorchRuntime) -> RuntimeLLM:
        return RuntimeLLM(runtime)


def test_it_says_what_the_runtime_says_under_its_own_template(runtime: TorchRuntime) -> None:
    said = RuntimeLLM(runtime).complete(QUESTION, max_tokens=LIMIT)
    tokens = runtime.encode(QUESTION)
    assert said.text == runtime.generate(tokens, limit=LIMIT).text
    assert said.prompt_tokens == len(tokens)
    assert said.cut == (said.tokens == LIMIT)


def test_it_stays_on_this_machine_and_is_named_for_its_weights(runtime: TorchRuntime) -> None:
    llm = RuntimeLLM(runtime)
    assert not llm.remote
    assert llm.name.endswith(f"@{runtime.fingerprint.weights[:12]}")


@pytest.mark.parametrize(
    ("stop", "left"), [([], "a b c"), (["b"], "a "), (["c", "b"], "a "), (["x", ""], "a b c")]
)
def test_an_answer_is_cut_at_the_first_stop(stop: list[str], left: str) -> None:
    assert cut_at("a b c", stop) == left


def test_a_stop_that_is_met_is_no_cut(runtime: TorchRuntime) -> None:
    said = RuntimeLLM(runtime)
    whole = said.complete([Message("user", "?")], max_tokens=LIMIT).text
    if whole:
        assert not said.complete([Message("user", "?")], max_tokens=LIMIT, stop=[whole[0]]).cut
