"""Recorded answers: a language model is asked once, and its answers are given again.

A recording is a file of JSON lines, one an answer:

    {"format": 1, "key": "9f…", "model": "qwen3", "remote": true,
     "answer": {"text": "…", "prompt_tokens": 412, "tokens": 38, "cut": false}}

``key`` is the SHA-256 of the model's name, the messages and every parameter; the question itself
is not in the file. The answers may repeat what memories say: forgetting does not reach them there.
"""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from memos.cube.identity import canonical, digest_of
from memos.errors import BadInput, BadSetting, Unrecorded
from memos.ports.llm import Completion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from memos.ports.llm import LLM, Schema
    from memos.ports.runtime import Message

_MODE = 0o600
"""Of a recording: what it holds may be somebody's memory."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    text: str
    prompt_tokens: int
    tokens: int
    cut: bool


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Literal[1] = 1
    key: str
    model: str
    remote: bool
    answer: _Answer


def key_of(
    model: str,
    messages: Sequence[Message],
    *,
    max_tokens: int,
    stop: Sequence[str],
    schema: Schema | None,
) -> str:
    """By what an answer is found again: equal questions to equal models have equal keys."""
    said = [[one.role, one.content] for one in messages]
    asked = [model, said, max_tokens, list(stop), None if schema is None else dict(schema)]
    return digest_of(canonical(asked))


class ReplayLLM:
    """Gives the answers of a recording, and no others.

    Args:
        path: the recording.
        model: which model's answers; None where the recording has those of one alone.
    """

    def __init__(self, path: Path, *, model: str | None = None) -> None:
        self._path = path
        self._model = model

    @property
    def name(self) -> str:
        """The model that was recorded.

        Raises:
            BadSetting: the recording cannot be read, or it has several models and none is named.
        """
        if self._model is not None:
            return self._model
        models = sorted({row.model for row in self._rows.values()})
        if len(models) != 1:
            message = f"{self._path} has answers of {len(models)} models: {', '.join(models)}"
            raise BadSetting(message, hint="set llm.model to one of them")
        return models[0]

    @property
    def remote(self) -> bool:
        """Whether the model was, when it was recorded: it is shown what it was shown then."""
        return any(row.remote for row in self._rows.values())

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        schema: Schema | None = None,
    ) -> Completion:
        """What was answered then.

        Raises:
            Unrecorded: nothing was.
        """
        if not messages:
            raise BadInput("there are no messages to answer", hint="pass at least one")
        key = key_of(self.name, messages, max_tokens=max_tokens, stop=stop, schema=schema)
        row = self._rows.get(key)
        if row is None:
            message = f"{self._path} has no answer of {self.name} to the question {key}"
            hint = "record it: llm.backend other than replay, with llm.recording"
            raise Unrecorded(message, hint=hint)
        return Completion(**row.answer.model_dump())

    def close(self) -> None:
        """There is nothing to let go."""

    @cached_property
    def _rows(self) -> dict[str, _Row]:
        return _read(self._path)


class RecordingLLM:
    """Asks another model, and writes down what it answers; each question once."""

    def __init__(self, asked: LLM, path: Path) -> None:
        self._asked = asked
        self._path = path
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The model that is asked."""
        return self._asked.name

    @property
    def remote(self) -> bool:
        """Whether it is remote."""
        return self._asked.remote

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        schema: Schema | None = None,
    ) -> Completion:
        """What the other answers; it is in the file when this returns."""
        said = self._asked.complete(messages, max_tokens=max_tokens, stop=stop, schema=schema)
        key = key_of(self.name, messages, max_tokens=max_tokens, stop=stop, schema=schema)
        answer = _Answer(
            text=said.text, prompt_tokens=said.prompt_tokens, tokens=said.tokens, cut=said.cut
        )
        self._write(_Row(key=key, model=self.name, remote=self.remote, answer=answer))
        return said

    def close(self) -> None:
        """Let go of the other."""
        self._asked.close()

    def _write(self, row: _Row) -> None:
        with self._lock:
            if row.key in self._known:
                return
            try:
                self._path.touch(mode=_MODE)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(row.model_dump_json() + "\n")
            except OSError as error:
                message = f"{self._path} cannot be written: {error.strerror}"
                raise BadSetting(message, hint="see llm.recording") from error
            self._known[row.key] = row

    @cached_property
    def _known(self) -> dict[str, _Row]:
        return _read(self._path) if self._path.exists() else {}


def _read(path: Path) -> dict[str, _Row]:
    """The answers of a recording by key; of several with one key, the last."""
    try:
        text = path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the recording {path} cannot be read: {error}"
        raise BadSetting(message, hint="llm.recording names the file") from error
    rows: dict[str, _Row] = {}
    for number, line in enumerate(text.split("\n") if text else (), start=1):
        try:
            row = _Row.model_validate_json(line)
        except ValidationError as error:
            message = f"line {number} of {path} is no recorded answer: {error.errors()[0]['msg']}"
            raise BadSetting(message, hint="record it anew") from error
        rows[row.key] = row
    return rows
