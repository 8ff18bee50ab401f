"""The MemCube."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube.frozen import Frozen
from memos.cube.header import Header, State
from memos.cube.payload import Kind, Payload, Plaintext
from memos.cube.provenance import Provenance

if TYPE_CHECKING:
    from datetime import datetime

    from pydantic import JsonValue

    from memos.cube.scope import Scope


class MemCube(Frozen):
    """The unit of memory: header, payload and provenance; immutable, and free of I/O."""

    header: Header
    payload: Payload
    provenance: Provenance

    @property
    def id(self) -> str:
        """The cube's UUIDv7; all versions of a cube share it."""
        return self.header.id

    @property
    def kind(self) -> Kind:
        """Plaintext, activation or parametric."""
        return self.header.kind

    @property
    def version(self) -> int:
        """The number of this version, from 1."""
        return self.header.life.version

    @property
    def content_version(self) -> int:
        """The version that brought this content; versions after it changed the header only."""
        return self.header.life.content or self.version

    @property
    def owner(self) -> str | None:
        """The principal whose memory it is: its user, or who made it for nobody in particular."""
        user = self.header.scope.user_id
        return self.header.governance.owner or (None if user is None else f"user:{user}")

    @property
    def state(self) -> State:
        """Where the cube is in its life."""
        return self.header.life.state

    @property
    def scope(self) -> Scope:
        """Whose it is."""
        return self.header.scope

    @property
    def user_id(self) -> str | None:
        """The user whose memory it is."""
        return self.header.scope.user_id

    @property
    def metadata(self) -> dict[str, JsonValue]:
        """What the application attached to it."""
        return self.header.metadata

    @property
    def created_at(self) -> datetime:
        """When its first version was recorded."""
        return self.header.created_at

    @property
    def text(self) -> str:
        """The text of a plaintext cube, the title of any other."""
        return self.payload.text if isinstance(self.payload, Plaintext) else self.header.title

    @property
    def speaker(self) -> str | None:
        """Who said it, where that is known."""
        return self.payload.speaker if isinstance(self.payload, Plaintext) else None

    @property
    def blobs(self) -> tuple[str, ...]:
        """The digests of the blobs that the payload refers to."""
        blob = None if isinstance(self.payload, Plaintext) else self.payload.blob
        return () if blob is None else (blob,)

    def __str__(self) -> str:
        return f"{self.kind} {self.id} v{self.version}: {self.header.title}"
