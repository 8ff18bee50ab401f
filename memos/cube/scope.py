"""Whose a memory is."""

from __future__ import annotations

from pydantic import Field

from memos.cube.frozen import Frozen


class Scope(Frozen):
    """Whose a memory is. A field that is None says nothing, so an empty scope is everybody's."""

    user_id: str | None = Field(default=None, min_length=1, max_length=512)
    agent_id: str | None = Field(default=None, min_length=1, max_length=512)
    session_id: str | None = Field(default=None, min_length=1, max_length=512)

    def covers(self, other: Scope) -> bool:
        """Whether everything this scope names is the same in ``other``."""
        return all(getattr(other, name) == value for name, value in self.named().items())

    def named(self) -> dict[str, str]:
        """The fields that are set."""
        pairs = (
            ("user_id", self.user_id),
            ("agent_id", self.agent_id),
            ("session_id", self.session_id),
        )
        return {name: value for name, value in pairs if value is not None}

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.named().items()) or "no scope"


EVERYBODY = Scope()
"""The scope that names nobody and so covers all."""
