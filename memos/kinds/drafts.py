"""From what an application hands over to drafts of plaintext cubes; nothing is lost or guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from memos.cube import Governance, Parent, Scope, Source
from memos.cube.identity import canonical
from memos.errors import BadInput, shown
from memos.kinds.times import read_time

if TYPE_CHECKING:
    from datetime import datetime

TEXT_LIMIT = 1_000_000
"""Characters in one memory."""
LABEL_LIMIT = 512
"""Characters in one label."""
TITLE_LIMIT = 512
"""Characters in the title that a message names."""
REASON_LIMIT = 2_000
"""Characters in a purpose that is written into the journal."""

_JSON = TypeAdapter(dict[str, JsonValue])
_NAMES = {"content", "text", "role", "name", "speaker", "timestamp", "date", "user_id", "agent_id",
          "session_id", "metadata", "labels", "caption", "title",
          "attributes"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a draft was taken from, where that is more than the call says."""

    source: Source | None
    parents: tuple[Parent, ...] = ()
    """The cubes that it was put together from, at their versions."""
    duplicates: str | None = None
    """An earlier cube that says the same."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A plaintext cube before it has an id."""

    text: str = ""
    scope: Scope = field(default_factory=Scope)
    speaker: str | None = None
    role: str | None = None
    said_at: datetime | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    governance: Governance = field(default_factory=Governance)
    turn: bool = False
    """Whether it is a turn of a conversation, to be linked with the ones around it."""
    origin: Origin | None = field(default=None, repr=False)
    """Not in what an idempotency key is compared by: that is older than it."""


def read_drafts(content: object, outline: Draft) -> list[Draft]:
    """One draft for a text or a message, one for each of a sequence of messages.

    Args:
        content: a text; a mapping with ``content`` or ``text`` and, optionally, ``role``,
            ``name`` or ``speaker``, ``timestamp`` or ``date``, ``user_id``, ``agent_id``,
            ``session_id``, ``metadata``, ``labels``, ``caption``, ``title``, and ``attributes``, a
            mapping of texts to texts; or a sequence of such mappings.
        outline: what holds where a message does not say otherwise.

    Raises:
        BadInput: a text is empty or no text, a name is unknown, or there is nothing at all.
    """
    if isinstance(content, str):
        return [replace(outline, text=checked_text(content))]
    if isinstance(content, Mapping):
        return [_message(content, outline, "the message")]
    if not isinstance(content, Sequence) or isinstance(content, bytes):
        found = type(content).__name__
        raise BadInput(f"cannot remember a {found}", hint="pass a text, a message, or messages")
    if not content:
        raise BadInput("there are no messages", hint="pass at least one")
    drafts = []
    for number, message in enumerate(content, start=1):
        if not isinstance(message, Mapping):
            hint = 'a message is a mapping such as {"role": "user", "content": "…"}'
            raise BadInput(f"message {number} is {shown(message)}", hint=hint)
        drafts.append(_message(message, outline, f"message {number}"))
    return drafts


def checked_text(text: object, what: str = "the text", *, most: int = TEXT_LIMIT) -> str:
    """The text, stripped at both ends; ``most`` characters are taken.

    Raises:
        BadInput: it is empty, too long, not text, or cannot be written as UTF-8.
    """
    if not isinstance(text, str):
        raise BadInput(f"{what} is {shown(text)}, not a text", hint="pass a str")
    stripped = text.strip()
    if not stripped:
        raise BadInput(f"{what} is empty: {shown(text)}", hint="pass at least one word")
    if len(stripped) > most:
        message = f"{what} has {len(stripped):,} characters, at most {most:,} are taken"
        hint = "split it into several memories" if most == TEXT_LIMIT else "choose a shorter one"
        raise BadInput(message, hint=hint)
    if "\x00" in stripped or not _encodable(stripped):
        message = f"{what} holds a NUL or half a surrogate pair: {stripped[:40]!r}"
        raise BadInput(message, hint="pass valid Unicode text")
    return stripped


def checked_reason(reason: object) -> str:
    """A purpose for the journal, of 2,000 characters at most; an empty text says nothing.

    Raises:
        BadInput: it is not text, too long, or cannot be written as UTF-8.
    """
    return "" if reason == "" else checked_text(reason, "the reason", most=REASON_LIMIT)


def checked_metadata(metadata: object, what: str = "the metadata") -> dict[str, JsonValue]:
    """The metadata as JSON values.

    Raises:
        BadInput: it is no mapping of names to JSON values, or a text in it holds a NUL.
    """
    try:
        checked = _JSON.validate_python(metadata, strict=True)
        canonical(checked)  # refuses what JSON has no word for: NaN, half a surrogate pair
    except (ValidationError, ValueError, RecursionError) as error:
        message = f"{what} cannot be stored as JSON: {shown(metadata)}"
        raise BadInput(message, hint="use text, numbers, booleans, lists and mappings") from error
    if holds_nul(checked):
        raise BadInput(f"{what} holds a NUL: {shown(metadata)}", hint="pass valid Unicode text")
    return checked


def holds_nul(value: object) -> bool:
    """Whether there is a NUL in a text, or in any text within mappings and sequences."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if "\x00" in one:
                return True
        elif isinstance(one, Mapping):
            waiting += [*one, *one.values()]
        elif isinstance(one, Sequence) and not isinstance(one, bytes):
            waiting += one
    return False


def checked_labels(labels: object, what: str = "the labels") -> tuple[str, ...]:
    """The labels without repeats, in their order.

    Raises:
        BadInput: they are not a sequence of texts, or one of them is none or too long.
    """
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise BadInput(f"{what} are {shown(labels)}", hint="pass a list of texts")
    return tuple(dict.fromkeys(checked_label(label) for label in labels))


def checked_label(label: object) -> str:
    """A label: a text of 512 characters at most.

    Raises:
        BadInput: it is none, empty, or longer.
    """
    return checked_text(label, "a label", most=LABEL_LIMIT)


def checked_scope(**ids: object) -> Scope:
    """A scope from ids that an application passes.

    Raises:
        BadInput: an id is empty, too long, or no text.
    """
    try:
        return Scope.model_validate(ids, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        message = f"{first['loc'][0]} is {shown(first['input'])}: {first['msg']}"
        raise BadInput(
            message, hint="pass a text of 1 to 512 characters, or leave it out"
        ) from error


def _message(message: Mapping[Any, Any], outline: Draft, what: str) -> Draft:
    unknown = sorted(str(name) for name in message if name not in _NAMES)
    if unknown:
        hint = f"known: {', '.join(sorted(_NAMES))}; put the rest under metadata"
        raise BadInput(f"{what} has a field {unknown[0]!r} that we do not know", hint=hint)
    said = message.get("timestamp", message.get("date"))
    metadata = checked_metadata(message.get("metadata") or {}, f"the metadata of {what}")
    return replace(
        outline,
        text=_content(message, what),
        scope=_scope(message, outline.scope),
        speaker=_name(message, what) or outline.speaker,
        role=_optional(message.get("role"), f"the role of {what}") or outline.role,
        said_at=outline.said_at if said is None else read_time(said),
        metadata={**outline.metadata, **metadata},
        labels=(*outline.labels, *checked_labels(message.get("labels") or (), what)),
        attributes={**outline.attributes, **_named(message, what), **_attributes(message, what)},
        turn=_is_turn(message, outline),
    )


def _is_turn(message: Mapping[Any, Any], outline: Draft) -> bool:
    """Whether it is somebody's words in a conversation, and not a text that stands alone."""
    said = (message.get(name) for name in ("role", "speaker", "name", "session_id"))
    return any(said) or outline.scope.session_id is not None or outline.speaker is not None


def _named(message: Mapping[Any, Any], what: str) -> dict[str, str]:
    """What else the source said of it, such as the pictures that were shown."""
    named = checked_metadata(message.get("attributes") or {}, f"the attributes of {what}")
    return {name: checked_text(one, f"{name} of {what}") for name, one in named.items()}


def _attributes(message: Mapping[Any, Any], what: str) -> dict[str, str]:
    """What the source said of the text: the caption of a picture, the title above it."""
    limits = {"caption": TEXT_LIMIT, "title": TITLE_LIMIT}
    return {
        name: checked_text(message[name], f"the {name} of {what}", most=most)
        for name, most in limits.items()
        if message.get(name) not in (None, "")
    }


def _content(message: Mapping[Any, Any], what: str) -> str:
    content = message.get("content", message.get("text"))
    if isinstance(content, Sequence) and not isinstance(content, str | bytes):
        content = "\n".join(_part(part, what) for part in content)
    return checked_text(content, f"the content of {what}")


def _part(part: object, what: str) -> str:
    if isinstance(part, Mapping) and part.get("type", "text") == "text":
        return checked_text(part.get("text"), f"a part of {what}")
    raise BadInput(f"{what} has a part that is no text: {shown(part)}", hint="pass text parts only")


def _scope(message: Mapping[Any, Any], outline: Scope) -> Scope:
    names = ("user_id", "agent_id", "session_id")
    said = {name: message[name] for name in names if message.get(name) is not None}
    return checked_scope(**{**outline.named(), **said}) if said else outline


def _name(message: Mapping[Any, Any], what: str) -> str | None:
    return _optional(message.get("speaker", message.get("name")), f"the speaker of {what}")


def _optional(value: object, what: str) -> str | None:
    return None if value is None else checked_text(value, what)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
