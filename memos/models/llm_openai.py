"""A language model behind an HTTP endpoint that speaks as OpenAI's does: …/chat/completions."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx

from memos.errors import BackendError, BadAnswer, BadInput, BadSetting, Unreachable
from memos.models.llm_address import Address
from memos.models.llm_messages import completion_of, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from memos.ports.llm import Completion, Schema
    from memos.ports.runtime import Message

_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses after which the same question may be answered."""
_PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each further attempt, less chance; an endpoint may ask for more."""
_LARGEST = 8 * 2**20
"""Bytes of an answer that are read."""
_SPELLINGS = {
    "max_tokens": "max_completion_tokens",
    "temperature": None,
    "seed": None,
    "response_format": None,
}
"""What some endpoints refuse to be told, and what they are told instead."""


class OpenAILLM:
    """Asks an endpoint: OpenAI's, or that of vLLM, llama.cpp, Ollama, LM Studio and many others.

    An endpoint that is busy is asked again, a little later each time; one that refuses a parameter
    which not all of them know is asked without it. Redirections are not followed, for the key and
    the memories are meant for the endpoint that was named.

    Args:
        model: the model's name, as the endpoint knows it.
        url: such as ``https://api.openai.com/v1``; ``/chat/completions`` is added.
        key: gives the key when it is first needed, or None where there is none.
        timeout_seconds: how long an answer may take, further attempts included.
        pause: waits so many seconds; for tests.
    """

    def __init__(
        self,
        model: str,
        *,
        url: str,
        key: Callable[[], str | None] = lambda: None,
        timeout_seconds: float = 60.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        if not model:
            raise BadSetting("no model is named", hint="set llm.model, as the endpoint calls it")
        self._address = Address.read(url)
        self._model = model
        self._key = key
        self._timeout = timeout_seconds
        self._pause = pause
        self._lock = threading.Lock()
        self._opened: httpx.Client | None = None
        self._secret: str | None = None
        self._refused: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model

    @property
    def remote(self) -> bool:
        """Whether the endpoint is on another machine."""
        return not self._address.local

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        schema: Schema | None = None,
    ) -> Completion:
        """The assistant's next message."""
        if not messages:
            raise BadInput("there are no messages to answer", hint="pass at least one")
        asked: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": one.role, "content": one.content} for one in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
            "seed": 0,
        }
        if stop:
            asked["stop"] = list(stop)
        if schema is not None:
            shape = {"name": "answer", "schema": dict(schema), "strict": True}
            asked["response_format"] = {"type": "json_schema", "json_schema": shape}
        return self._answered(asked, time.monotonic() + self._timeout)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def _answered(self, asked: dict[str, Any], deadline: float) -> Completion:
        """The answer, after as many attempts as there is time for."""
        attempt = 0
        while True:
            status, headers, body = self._tried(self._spelled(asked), deadline)
            if status == httpx.codes.OK:
                return completion_of(body, self._address.shown)
            told = self._without_key(refusal_of(body))
            if status in _BUSY and attempt < len(_PAUSES):
                self._wait(_wanted(attempt, headers), deadline, f"status {status}: {told}")
                attempt += 1
            elif not self._learnt(status, told, asked):
                raise self._refusal(status, told)

    def _tried(self, asked: dict[str, Any], deadline: float) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and body of one answer; where nothing is there yet, tried again."""
        for pause in (*_PAUSES, None):
            try:
                return self._posted(asked, deadline)
            except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError) as error:
                if pause is None:
                    message = f"{self._address.shown} cannot be reached: {error}"
                    raise Unreachable(message, hint="is llm.url right, and is it up?") from error
                self._wait(pause, deadline, f"it cannot be reached: {error}")
            except httpx.TimeoutException as error:
                raise self._too_late() from error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                message = f"{self._address.shown} cannot be asked: {error}"
                raise Unreachable(message, hint="see llm.url and the proxy's settings") from error
        raise self._too_late()

    def _posted(self, asked: dict[str, Any], deadline: float) -> tuple[int, httpx.Headers, bytes]:
        left = max(deadline - time.monotonic(), 0.001)
        body = bytearray()
        with self._client().stream(
            "POST", self._address.endpoint, json=asked, timeout=left
        ) as response:
            for part in response.iter_bytes():
                body += part
                if time.monotonic() > deadline:
                    raise self._too_late()
                if len(body) > _LARGEST:
                    message = f"{self._address.shown} answered with more than {_LARGEST:,} bytes"
                    raise BadAnswer(message, hint="is it an endpoint of a language model?")
            return response.status_code, response.headers, bytes(body)

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._opened is None:
                self._secret = self._key()
                self._address.require_safe(with_key=self._secret is not None)
                headers = (
                    {} if self._secret is None else {"Authorization": f"Bearer {self._secret}"}
                )
                # What is on this machine is not asked for by way of a proxy.
                self._opened = httpx.Client(headers=headers, trust_env=self.remote)
            return self._opened

    def _spelled(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What is asked, in the words that this endpoint takes."""
        named = {name: _SPELLINGS[name] if name in self._refused else name for name in _SPELLINGS}
        spelled = {named.get(name, name): value for name, value in asked.items()}
        return {name: value for name, value in spelled.items() if name is not None}

    def _learnt(self, status: int, told: str, asked: dict[str, Any]) -> bool:
        """Whether the endpoint refuses a parameter that it can be asked without."""
        if status not in {400, 422}:
            return False
        new = {name for name in _SPELLINGS if name in asked and name in told} - self._refused
        self._refused |= new
        return bool(new)

    def _wait(self, pause: float, deadline: float, why: str) -> None:
        shorter = pause * random.uniform(0.75, 1.0)  # noqa: S311 - that not all come at once
        if time.monotonic() + shorter >= deadline:
            message = f"{self._address.shown} did not answer within {self._timeout:g} s: {why}"
            raise Unreachable(message, hint="try again later, or raise llm.timeout_seconds")
        self._pause(shorter)

    def _too_late(self) -> Unreachable:
        message = f"{self._address.shown} did not answer within {self._timeout:g} s"
        return Unreachable(message, hint="raise llm.timeout_seconds, or choose a quicker model")

    def _refusal(self, status: int, told: str) -> BackendError:
        message = f"{self._address.shown} refused with status {status}: {told}"
        if status in _BUSY:
            return Unreachable(message, hint="try again later")
        hints = {
            401: "is the key right? llm.key_from says where it is",
            403: "may this key use this model?",
            404: "are llm.url and llm.model right?",
        }
        return BackendError(message, hint=hints.get(status, "see what it says"))

    def _without_key(self, told: str) -> str:
        return told if self._secret is None else told.replace(self._secret, "[key]")


def _wanted(attempt: int, headers: httpx.Headers) -> float:
    """Seconds to wait: what the endpoint asks for, and at least our own."""
    try:
        asked = float(headers.get("retry-after", "0"))
    except ValueError:  # a date, which few send
        asked = 0.0
    return max(_PAUSES[attempt], asked) if asked >= 0 else _PAUSES[attempt]
