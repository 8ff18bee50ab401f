"""An endpoint is asked as OpenAI's is, asked again when it is busy, and never told too much."""

from __future__ import annotations

import gzip
import json
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from memos.errors import BackendError, BadAnswer, BadSetting, MissingKey, Unreachable
from memos.models.llm_openai import OpenAILLM
from memos.testing.endpoint import Endpoint, Reply, completion, serving
from memos.testing.llm import LIMIT, QUESTION, SCHEMA, LLMSuite

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEY = "sk-test-3q2x7wSecretSecretSecret"


def answer(request: Mapping[str, Any]) -> str:
    """In another word for each question; cut at a stop, as an endpoint does."""
    text = f"He said: {len(str(request['messages']))}"
    stop = request.get("stop", [])
    return text.split(stop[0], maxsplit=1)[0] if stop else text


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with serving(answer) as served:
        yield served


@contextmanager
def asking(endpoint: Endpoint, **options: Any) -> Iterator[tuple[OpenAILLM, list[float]]]:
    """A model that waits for nothing, and the seconds that it would have waited."""
    waited: list[float] = []
    llm = OpenAILLM("tiny", url=endpoint.url, pause=waited.append, **options)
    try:
        yield llm, waited
    finally:
        llm.close()


class TestOpenAILLM(LLMSuite):
    @pytest.fixture
    def llm(self, endpoint: Endpoint) -> Iterator[OpenAILLM]:
        with asking(endpoint) as (llm, _):
            yield llm


def test_what_is_sent_is_what_openai_s_endpoint_takes(endpoint: Endpoint) -> None:
    with asking(endpoint, key=lambda: KEY) as (llm, _):
        said = llm.complete(QUESTION, max_tokens=LIMIT, stop=["."], schema=SCHEMA)
    assert said.text.startswith("He said")
    assert (said.prompt_tokens, said.tokens, said.cut) == (7, 3, False)
    (asked,) = endpoint.asked
    assert endpoint.paths == ["/v1/chat/completions"]
    assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"
    assert asked["messages"][0] == {"role": "system", "content": "Answer in one word."}
    assert (asked["model"], asked["max_tokens"], asked["temperature"]) == ("tiny", LIMIT, 0)
    assert asked["stop"] == ["."]
    assert asked["response_format"]["json_schema"]["schema"] == SCHEMA


def test_without_a_key_none_is_sent(endpoint: Endpoint) -> None:
    with asking(endpoint) as (llm, _):
        llm.complete(QUESTION, max_tokens=LIMIT)
    assert "authorization" not in endpoint.headers[0]


def test_an_answer_that_was_long_enough_is_cut(endpoint: Endpoint) -> None:
    endpoint.script = [Reply(body=completion("and so", finish="length"))]
    with asking(endpoint) as (llm, _):
        assert llm.complete(QUESTION, max_tokens=2).cut


def test_a_busy_endpoint_is_asked_again_a_little_later_each_time(endpoint: Endpoint) -> None:
    endpoint.script = [Reply(429), Reply(500, b"oops"), Reply(503)]
    with asking(endpoint) as (llm, waited):
        assert llm.complete(QUESTION, max_tokens=LIMIT).text
    assert len(endpoint.asked) == 4
    assert waited == sorted(waited)
    assert 0.3 < waited[0] <= 0.5 < waited[1] <= 1.0


def test_an_endpoint_may_say_how_long_it_is_busy(endpoint: Endpoint) -> None:
    endpoint.script = [
        Reply(429, headers=(("retry-after", "7"),)),
        Reply(429, headers=(("retry-after", "soon"),)),
        Reply(429, headers=(("retry-after", "-3"),)),
    ]
    with asking(endpoint) as (llm, waited):
        llm.complete(QUESTION, max_tokens=LIMIT)
    assert 5 < waited[0] <= 7
    assert all(0 < one < 3 for one in waited[1:])


def test_who_is_busy_for_longer_than_there_is_time_is_not_waited_for(endpoint: Endpoint) -> None:
    endpoint.script = [Reply(429, b'{"error": {"message": "slow down"}}', (("retry-after", "99"),))]
    with (
        asking(endpoint, timeout_seconds=5) as (llm, waited),
        pytest.raises(Unreachable, match=r"within 5 s: status 429: slow down"),
    ):
        llm.complete(QUESTION, max_tokens=LIMIT)
    assert waited == []


def test_who_stays_busy_is_unreachable(endpoint: Endpoint) -> None:
    endpoint.script = [Reply(503, b"<html>bad gateway</html>")] * 9
    with (
        asking(endpoint) as (llm, _),
        pytest.raises(Unreachable, match="status 503: <html>bad gateway"),
    ):
        llm.complete(QUESTION, max_tokens=LIMIT)
    assert len(endpoint.asked) == 5


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404])
def test_a_refusal_is_told_and_not_asked_again(endpoint: Endpoint, status: int) -> None:
    told = json.dumps({"error": {"message": f"Incorrect API key: {KEY}"}}).encode()
    endpoint.script = [Reply(status, told, (("location", "https://example.com/v1"),))]
    with (
        asking(endpoint, key=lambda: KEY) as (llm, _),
        pytest.raises(BackendError, match=f"status {status}") as caught,
    ):
        llm.complete(QUESTION, max_tokens=LIMIT)
    assert len(endpoint.asked) == 1
    assert "[key]" in caught.value.message
    assert_keyless(caught.value, llm)


def assert_keyless(error: BaseException, llm: OpenAILLM) -> None:
    told: BaseException | None = error
    while told is not None:
        assert KEY not in f"{told} {told!r}"
        told = told.__cause__
    assert KEY not in repr(llm)


@pytest.mark.parametrize(
    ("refused", "sent"),
    [
        ("Unsupported parameter: 'max_tokens'", "max_completion_tokens"),
        ("temperature must be 1 for this model", "max_tokens"),
        ("response_format: json_schema is unknown", "max_tokens"),
    ],
)
def test_a_parameter_that_is_refused_is_left_out_from_then_on(
    endpoint: Endpoint, refused: str, sent: str
) -> None:
    endpoint.script = [Reply(400, json.dumps({"error": {"message": refused}}).encode())]
    with asking(endpoint) as (llm, _):
        for _ in range(2):
            llm.complete(QUESTION, max_tokens=LIMIT, schema=SCHEMA)
    first, again, later = endpoint.asked
    assert first.keys() != again.keys() == later.keys()
    assert again[sent] == LIMIT


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html></html>",
        b"[]",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": null}}]}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"error": {"message": "no"}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_what_is_no_completion_is_a_bad_answer(endpoint: Endpoint, body: bytes) -> None:
    endpoint.script = [Reply(body=body)]
    with asking(endpoint) as (llm, _), pytest.raises(BadAnswer, match="no completion"):
        llm.complete(QUESTION, max_tokens=LIMIT)


def test_an_endless_answer_is_not_read_to_its_end(endpoint: Endpoint) -> None:
    packed = gzip.compress(b" " * (9 * 2**20))
    endpoint.script = [Reply(body=packed, headers=(("content-encoding", "gzip"),))]
    with asking(endpoint) as (llm, _), pytest.raises(BadAnswer, match="more than"):
        llm.complete(QUESTION, max_tokens=LIMIT)


def test_a_slow_answer_is_not_waited_for(endpoint: Endpoint) -> None:
    endpoint.script = [Reply(seconds=30.0)]
    with (
        asking(endpoint, timeout_seconds=0.2) as (llm, _),
        pytest.raises(Unreachable, match=r"did not answer within 0\.2 s"),
    ):
        llm.complete(QUESTION, max_tokens=LIMIT)


@pytest.mark.parametrize("cut", [Reply(cut=True), Reply(body=b'{"choi', cut=True)])
def test_a_connection_that_ends_too_early_is_made_again(endpoint: Endpoint, cut: Reply) -> None:
    endpoint.script = [cut, cut]
    with asking(endpoint) as (llm, waited):
        assert llm.complete(QUESTION, max_tokens=LIMIT).text
    assert len(waited) == 2


def test_where_nobody_listens_nothing_is_reached() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    llm = OpenAILLM("tiny", url=url, pause=lambda _: None)
    with pytest.raises(Unreachable, match="cannot be reached"):
        llm.complete(QUESTION, max_tokens=LIMIT)
    llm.close()


@pytest.mark.parametrize(
    "url",
    ["", "here", "ftp://example.com", "http://", "https://[::1", "http://example.com:port",
     f"https://user:{KEY}@example.com", f"https://example.com/v1?key={KEY}",
     f"https://example.com/#{KEY}"],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_repeating_a_secret(url: str) -> None:
    with pytest.raises(BadSetting, match=r"llm\.url") as caught:
        OpenAILLM("tiny", url=url)
    assert KEY not in str(caught.value)


def test_a_model_must_be_named() -> None:
    with pytest.raises(BadSetting, match="no model"):
        OpenAILLM("", url="https://example.com/v1")


def test_a_key_is_not_sent_in_clear_to_another_machine() -> None:
    llm = OpenAILLM("tiny", url="http://example.com/v1", key=lambda: KEY)
    with pytest.raises(BadSetting, match="in clear") as caught:
        llm.complete(QUESTION, max_tokens=LIMIT)
    assert_keyless(caught.value, llm)


def test_a_key_that_is_not_there_is_missed_when_it_is_needed() -> None:
    def none() -> str:
        raise MissingKey("no key")

    llm = OpenAILLM("tiny", url="https://example.com/v1", key=none)
    with pytest.raises(MissingKey):
        llm.complete(QUESTION, max_tokens=LIMIT)


@pytest.mark.parametrize(
    ("url", "remote"),
    [
        ("http://127.0.0.1:8000", False),
        ("http://localhost/v1", False),
        ("http://[::1]:1/v1/chat/completions", False),
        ("https://api.openai.com/v1", True),
        ("http://localhost.example.com", True),
        ("http://192.168.1.5/v1", True),
    ],
)
def test_another_machine_is_told_from_this_one(url: str, remote: bool) -> None:
    llm = OpenAILLM("tiny", url=url)
    assert llm.remote is remote
    assert llm._address.endpoint.endswith("/chat/completions")
    assert llm._address.endpoint.count("/chat/completions") == 1
