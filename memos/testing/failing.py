"""Parts that die on demand: between any two calls of a port, as a process that is killed."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memos.kernel import Parts


class Crash(BaseException):
    """The process died here; no handler for errors may catch it."""


class Fuse:
    """Counts calls down, and raises :class:`Crash` when it has burnt."""

    def __init__(self) -> None:
        self.left: int | None = None
        """Calls until the crash; None for never."""

    def burn(self) -> None:
        """One call has been made."""
        if self.left is None:
            return
        self.left -= 1
        if self.left <= 0:
            self.left = None
            raise Crash


class Failing:
    """Any port's backend, with a crash after the call at which the fuse burns out.

    The call itself has had its effect: a crash before call n is a crash after call n - 1.
    """

    def __init__(self, backend: object, fuse: Fuse) -> None:
        self._backend = backend
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._backend, name)
        if not callable(value):
            return value

        @wraps(value)
        def call(*args: Any, **kwargs: Any) -> Any:
            answer = value(*args, **kwargs)
            self._fuse.burn()
            return answer

        return call


def failing(parts: Parts, fuse: Fuse) -> Parts:
    """The same parts, each of which may crash after any call."""

    def open_vectors(name: str, dimension: int) -> Any:
        vectors = Failing(parts.open_vectors(name, dimension), fuse)
        fuse.burn()
        return vectors

    wrapped: dict[str, Any] = {
        name: Failing(getattr(parts, name), fuse)
        for name in ("catalog", "ledger", "journal", "blobs", "words", "embedder", "runtime", "kv")
    }
    return replace(parts, open_vectors=open_vectors, **wrapped)
