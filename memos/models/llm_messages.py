"""What an endpoint sends back, read as what it should be and as nothing else."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from memos.errors import BadAnswer
from memos.ports.llm import Completion

_TOLD = 300
"""Characters of a refusal that are repeated."""


class _Lenient(BaseModel):
    """Endpoints add what they like; what we need must be there and be of its kind."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Said(_Lenient):
    content: str


class _Choice(_Lenient):
    message: _Said
    finish_reason: str | None = None


class _Usage(_Lenient):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Answer(_Lenient):
    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: _Usage | None = None


def completion_of(body: bytes, where: str) -> Completion:
    """The answer in a body.

    Raises:
        BadAnswer: it is no JSON, or no completion of a chat.
    """
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = f"{where} answered with what is no completion: {place or 'the body'}: "
        raise BadAnswer(
            message + first["msg"], hint="does llm.url speak as OpenAI's endpoint does?"
        ) from error
    choice, usage = answer.choices[0], answer.usage or _Usage()
    return Completion(
        text=choice.message.content,
        prompt_tokens=usage.prompt_tokens,
        tokens=usage.completion_tokens,
        cut=choice.finish_reason == "length",
    )


def refusal_of(body: bytes) -> str:
    """What an endpoint says of why it refuses, on one line and not at length."""
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        told = body.decode(errors="replace")
    for name in ("error", "message", "detail"):
        if isinstance(told, dict):
            told = told.get(name, told)
    words = " ".join((told if isinstance(told, str) else json.dumps(told)).split())
    return words[:_TOLD] or "it does not say why"
