"""What a chat answers with."""

from __future__ import annotations

from memos.cube.frozen import Frozen
from memos.cube.provenance import Parent
from memos.kinds.routing import Route


class Answer(Frozen):
    """What the model said, which memories it had, and what it cost."""

    text: str
    memories: tuple[Parent, ...]
    """The cubes that were used, at their versions."""
    tokens: int
    prompt_tokens: int
    reused_tokens: int
    """Prompt tokens that came from a KV cube instead of being computed."""
    first_token_seconds: float
    """Wall time to the first token, loading of KV or adapter included."""
    seconds: float

    def __str__(self) -> str:
        return self.text


class Reply(Frozen):
    """One answer of many: what the model said, and which adapters served."""

    text: str
    memories: tuple[Parent, ...]
    """The adapters that the model wore, at their versions; none where it answered as it is."""
    routes: tuple[Route, ...]
    """All that were considered, best first."""

    def __str__(self) -> str:
        return self.text
