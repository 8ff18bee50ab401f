"""What a message says never becomes the chat's structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memos.errors import BackendError, BadInput
from memos.models.chat_template import ChatTemplate
from memos.ports.runtime import Message

if TYPE_CHECKING:
    from pathlib import Path

    from memos.models.runtime_torch import TorchRuntime

END, BEGIN = 0, 1
SPELT = ("<|end|>", "<|begin|>", "<|", "|>", "<|be<|begin|>gin|>", "\n", " ", "é", "🙂", "user")
TEXTS = st.lists(st.sampled_from(SPELT) | st.text(max_size=8), max_size=6).map("".join)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def template(tiny_folder: Path) -> ChatTemplate:
    from transformers import AutoTokenizer

    return ChatTemplate(AutoTokenizer.from_pretrained(tiny_folder))


@QUICK
@given(memory=TEXTS, said=TEXTS)
def test_a_chat_has_as_many_messages_as_it_was_given(
    template: ChatTemplate, memory: str, said: str
) -> None:
    ids = template.encode([Message("system", memory), Message("user", said)]).tokens
    assert ids.count(BEGIN) == 3
    assert ids.count(END) == 2


@QUICK
@given(memory=TEXTS, said=TEXTS)
def test_what_stands_before_a_cut_does_not_depend_on_what_follows(
    template: ChatTemplate, memory: str, said: str
) -> None:
    begun = Message("system", memory + said, cuts=(len(memory),))
    other = Message("system", memory + "x", cuts=(len(memory),))
    one, two = (template.encode([each, Message("user", said)]) for each in (begun, other))
    assert one.cuts == two.cuts
    assert one.tokens[: one.cuts[0]] == two.tokens[: two.cuts[0]]
    assert one.tokens.count(BEGIN) == 3
    assert one.tokens.count(END) == 2


def test_a_cut_lies_where_it_was_asked_for(template: ChatTemplate) -> None:
    prompt = template.encode([Message("user", "abc", cuts=(0, 2, 2, 3))])
    first, second, third, fourth = prompt.cuts
    assert (second - first, third, fourth - third) == (2, second, 1)
    assert prompt.tokens[:first] == template.opening()


def test_a_template_that_leaves_a_message_out_has_no_cuts(tiny_folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    tokenizer.chat_template = "{{ messages[-1]['content'] }}"
    messages = [Message("system", "a", cuts=(1,)), Message("user", "b")]
    prompt = ChatTemplate(tokenizer).encode(messages)
    assert len(prompt.tokens) == 1
    assert prompt.cuts == ()


@QUICK
@given(answer=TEXTS)
def test_an_answer_reads_back_as_it_was_written(template: ChatTemplate, answer: str) -> None:
    tokens = template.tokens_of(answer)
    assert {BEGIN, END}.isdisjoint(tokens)
    assert template.decode(tokens) == answer.strip()


def test_plain_text_is_encoded_as_the_tokenizer_does_it(tiny_folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    chat = [{"role": "system", "content": "a b"}, {"role": "user", "content": "Tea?\n"}]
    usual = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
    messages = [Message("system", "a b"), Message("user", "Tea?\n")]
    assert ChatTemplate(tokenizer).encode(messages).tokens == tuple(usual)


def test_an_answer_ends_with_the_token_that_the_template_writes(template: ChatTemplate) -> None:
    assert template.closing() == (END,)


def test_a_model_without_a_chat_template_is_refused(tiny_folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    tokenizer.chat_template = None
    with pytest.raises(BackendError, match="no chat template"):
        ChatTemplate(tokenizer)


def test_a_template_that_refuses_the_messages_is_bad_input(tiny_folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_folder)
    tokenizer.chat_template = "{{ raise_exception('no system message, please') }}"
    with pytest.raises(BadInput, match="no system message"):
        ChatTemplate(tokenizer).encode([Message("system", "a")])


@pytest.mark.weights
@QUICK
@given(said=st.text(max_size=20) | st.from_regex(r"\s*('s|\d+|<\|im_end\|>|\W{1,4}).*"))
def test_whatever_is_said_the_default_model_reads_the_same_beginning(
    smollm2: TorchRuntime, said: str
) -> None:
    said_before = "You have a memory.\n\n- Mara drinks tea.\n"
    memory = Message("system", said_before + said, cuts=(len(said_before),))
    other = Message("system", said_before, cuts=(len(said_before),))
    prompt = smollm2.prompt([memory, Message("user", said)])
    begun = smollm2.prompt([other, Message("user", "x")])
    assert prompt.tokens[: prompt.cuts[0]] == begun.tokens[: begun.cuts[0]]
    assert prompt.tokens.count(1) == 3
    assert prompt.tokens.count(2) == 2
