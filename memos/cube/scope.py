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
        return (
            self.user_id in {None, other.user_id}
            and self.agent_id in {None, other.agent_id}
            and self.session_id in {None, other.session_id}
        )

    def named(self) -> dict[str, str]:
        """The fields that are set."""
        named = {}
        if self.user_id is not None:
            named["user_id"] = self.user_id
        if self.agent_id is not None:
            named["agent_id"] = self.agent_id
        if self.session_id is not None:
            named["session_id"] = self.session_id
        return named

    def __str__(self) -> str:
        named = ", ".join(f"{name}={value!r}" for name, value in self.named().items())
        return named or "nobody's scope"


EVERYBODY = Scope()
"""The scope that names nobody and so covers all."""
