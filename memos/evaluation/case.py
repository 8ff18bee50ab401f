"""A case: one memory space, and questions of which it is known where the answers lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Memory:
    """One memory, as a source has it."""

    id: str
    message: Mapping[str, JsonValue]
    """What ``MemOS.add`` takes."""

    @property
    def session(self) -> str | None:
        """The conversation of which it is a turn; None for what stands alone."""
        session = self.message.get("session_id")
        return None if session is None else str(session)

    @property
    def line(self) -> str:
        """Who says what under which title, and what is shown, for people."""
        said = [str(self.message[name]) for name in ("title", "speaker") if name in self.message]
        caption = self.message.get("caption")
        shown = f" [{caption}]" if caption else ""
        return ": ".join([*said, str(self.message["text"])]) + shown


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the ids of the memories in which its answer lies."""

    id: str
    text: str
    gold: tuple[str, ...]
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One memory space."""

    set: str
    """The name of the data set."""
    name: str
    memories: tuple[Memory, ...]
    questions: tuple[Question, ...]
