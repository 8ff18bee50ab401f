"""What a message says, in whichever shape its content comes: a text, or parts of many kinds.

    OpenAI      text, input_text, output_text, image_url, input_image, refusal; tool_calls beside
    Anthropic   text, image, tool_use, tool_result, thinking
    LangChain   text, image_url, image; tool_calls beside
    ChatGPT     texts, pointers to pictures, transcripts

Texts are joined by line breaks. What is no text becomes an attribute, as JSON:

    images        addresses of pictures; of a picture that is inside the message, its digest
    tool_calls    [{"name", "arguments", "id"}]
    tool_call_id  the call that this answers
    parts         whatever else there is
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memos.cube.identity import digest_of

if TYPE_CHECKING:
    from pydantic import JsonValue

_LONGEST = 2_000
"""Characters of an address, or of a part of an unknown kind, that are kept."""
_DEEPEST = 8
"""How many parts may lie within each other."""


@dataclass(slots=True)
class Said:
    """What was taken out of a content so far."""

    texts: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    calls: list[dict[str, JsonValue]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    parts: list[JsonValue] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words; where there are none, what was done or shown instead."""
        if self.texts:
            return "\n".join(self.texts)
        if self.calls:
            return "\n".join(f"{one['name']}({_compact(one['arguments'])})" for one in self.calls)
        shown = len(self.images)
        return "" if not shown else "[picture]" if shown == 1 else f"[{shown} pictures]"

    @property
    def attributes(self) -> dict[str, JsonValue]:
        """What is no text."""
        lists = {"images": self.images, "tool_calls": self.calls, "parts": self.parts}
        found: dict[str, JsonValue] = {
            name: _compact(value) for name, value in lists.items() if value
        }
        if self.answers:
            found["tool_call_id"] = ", ".join(self.answers)
        return found

    def add(self, content: JsonValue, depth: int = 0) -> None:
        """Take in a content: a text, a part, or a list of them."""
        if isinstance(content, str):
            if content.strip():
                self.texts.append(content.strip())
        elif isinstance(content, list):
            for one in content:
                self.add(one, depth + 1)
        elif isinstance(content, dict) and depth <= _DEEPEST:
            self._part(content, depth)
        elif content is not None:
            self._keep(content)

    def call(self, value: JsonValue) -> None:
        """Take in a call of a tool, in the shape of any of the three."""
        if not isinstance(value, dict):
            self._keep(value)
            return
        inner = value.get("function")
        call = inner if isinstance(inner, dict) else value
        arguments = next(
            (call[name] for name in ("arguments", "args", "input") if name in call), None
        )
        made: dict[str, JsonValue] = {
            "name": str(call.get("name") or "?"),
            "arguments": _parsed(arguments),
        }
        if value.get("id"):
            made["id"] = value["id"]
        self.calls.append(made)

    def _part(self, part: dict[str, JsonValue], depth: int) -> None:
        kind = part.get("type", part.get("content_type"))
        address = _address(part)
        if kind == "tool_use":
            self.call(part)
        elif kind == "tool_result":
            if part.get("tool_use_id"):
                self.answers.append(str(part["tool_use_id"]))
            self.add(part.get("content"), depth + 1)
        elif address is not None:
            self._show(address)
        else:
            self._words(part)

    def _words(self, part: dict[str, JsonValue]) -> None:
        words = part.get("text") or part.get("refusal")
        if isinstance(words, str):
            self.add(words)
        elif part.get("type") not in {"text", "input_text", "output_text"}:
            self._keep(part)

    def _show(self, address: str) -> None:
        if len(address) > _LONGEST:
            kind = address[:100].partition(",")[0].partition(";")[0]
            where = "a picture inside the message" if kind.startswith("data:") else "an address"
            self.left_out.append(
                f"{where} has {len(address):,} characters: its digest is kept in its place"
            )
            address = f"{kind[:60]};sha256={digest_of(address.encode(errors='surrogateescape'))}"
        self.images.append(address)

    def _keep(self, part: JsonValue) -> None:
        spelled = _compact(part)
        if len(spelled) > _LONGEST:
            kind = part.get("type") if isinstance(part, dict) else None
            self.left_out.append(f"a part has {len(spelled):,} characters: its kind is kept alone")
            part = {"type": str(kind)[:100], "characters": len(spelled)}
        self.parts.append(part)


def _address(part: dict[str, JsonValue]) -> str | None:
    """Where the picture is that a part shows; None where it shows none."""
    named = part.get("image_url")
    if isinstance(named, dict):
        named = named.get("url")
    if part.get("type") == "image":
        named = _of_image(part)
    elif part.get("content_type") == "image_asset_pointer":
        named = part.get("asset_pointer")
    return named if isinstance(named, str) and named else None


def _of_image(part: dict[str, JsonValue]) -> JsonValue:
    source = part.get("source")
    held = source if isinstance(source, dict) else part
    content = held.get("data", held.get("base64"))
    if isinstance(content, str):
        kind = held.get("media_type", held.get("mime_type", "image"))
        return f"data:{kind};base64,{content}"
    return held.get("url", held.get("file_id"))


def _parsed(arguments: JsonValue) -> JsonValue:
    if not isinstance(arguments, str):
        return arguments
    try:
        value: JsonValue = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return value


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
