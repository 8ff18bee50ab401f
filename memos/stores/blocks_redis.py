"""Blocks in a server of Redis or Valkey, which several processes and machines share.

The key of a block is ``PREFIX:STORE:NAME``; its value is the block as memos.ports.block_wire says.
A server that is short of memory may throw blocks away, and with a time to live they expire: they
are absent then, and made anew. Blocks are not encrypted there.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

from memos.errors import BackendError, BadInput, BadSetting, MissingLibrary, OutOfSpace, Unreachable
from memos.stores.block_checks import absent, found, require_block, verified_block
from memos.stores.digests import checked, is_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from memos.ports.blocks import Content

_SCHEMES = {"redis", "rediss", "unix"}
_TOGETHER = 8
"""Blocks that are asked for in one go; so many are in memory at a time, and the one before."""
_SCANNED = 1000
_MOST_BYTES = 512 << 20
"""The longest value that Redis takes."""


class _Pipeline(Protocol):
    """What we use of many questions that are sent together."""

    def get(self, key: str) -> object: ...
    def strlen(self, key: bytes) -> object: ...
    def execute(self) -> list[Any]: ...


class _Client(Protocol):
    """What we use of a client."""

    def ping(self) -> object: ...
    def set(self, key: str, value: Content, *, ex: int | None) -> object: ...
    def get(self, key: str) -> bytes | None: ...
    def delete(self, key: str) -> object: ...
    def scan_iter(self, *, match: str, count: int) -> Iterator[bytes]: ...
    def pipeline(self, *, transaction: bool) -> _Pipeline: ...
    def close(self) -> None: ...


class RedisBlocks:
    """Blocks of one store on a server."""

    def __init__(
        self,
        url: str,
        *,
        store: str,
        prefix: str = "memos",
        password: str | None = None,
        ttl_seconds: int | None = None,
        timeout_seconds: float = 10.0,
    ) -> None:
        """Connect to a server.

        Args:
            url: such as ``redis://host:6379/0``; a name and a password may stand in it, and are
                never shown.
            store: whose blocks these are; stores with different names share nothing.
            prefix: what the keys of all stores begin with.
            password: the server's, where it does not stand in the url.
            ttl_seconds: how long a block lives after it was last put; None for ever.
            timeout_seconds: how long to wait for an answer.

        Raises:
            BadSetting: the url is none of a server.
            MissingLibrary: the library ``redis`` is not installed.
            Unreachable: there is no server that answers.
        """
        self._place = _shown(url)
        self._begin = f"{prefix}:{store}:"
        self._ttl = ttl_seconds
        self._client = _client(url, password, timeout_seconds)
        with self._translated():
            self._client.ping()

    def put(self, name: str, content: Content) -> None:
        """Keep a block, in the place of what had the name."""
        require_block(name, content)
        if len(content) > _MOST_BYTES:
            message = f"block {name} has {len(content)} bytes, and a server takes {_MOST_BYTES}"
            raise BadInput(message, hint="make blocks of fewer tokens")
        with self._translated(name):
            self._client.set(self._key(name), content, ex=self._ttl)

    def get(self, name: str) -> Content:
        """The block, verified: the bytes come from another process."""
        key = self._key(name)
        with self._translated():
            content = self._client.get(key)
        return self._verified(name, content)

    def get_many(self, names: Sequence[str]) -> Iterator[tuple[str, Content | None]]:
        """Each block, in order; several are asked for at a time.

        Raises:
            Unreachable: the server has gone; that is not the same as a block that is absent.
        """
        listed = [checked(name) for name in names]
        return self._in_order(listed)

    def drop(self, name: str) -> None:
        """Remove a block, if it is there."""
        key = self._key(name)
        with self._translated():
            self._client.delete(key)

    def sizes(self) -> dict[str, int]:
        """The names of all blocks of this store, and how long they are; all keys are looked at."""
        sizes = {}
        with self._translated():
            keys = {name: key for key in self._keys() if (name := self._name(key)) is not None}
            pipeline = self._client.pipeline(transaction=False)
            for key in keys.values():
                pipeline.strlen(key)
            for name, size in zip(keys, pipeline.execute(), strict=True):
                if size:  # it may have expired meanwhile
                    sizes[name] = int(size)
        return sizes

    def close(self) -> None:
        """Close the connections; the blocks stay."""
        self._client.close()

    def _in_order(self, names: list[str]) -> Iterator[tuple[str, Content | None]]:
        for start in range(0, len(names), _TOGETHER):
            some = names[start : start + _TOGETHER]
            with self._translated():
                pipeline = self._client.pipeline(transaction=False)
                for name in some:
                    pipeline.get(self._key(name))
                contents = dict(zip(some, pipeline.execute(), strict=True))
            for name in some:
                yield name, found(lambda one: self._verified(one, contents[one]), name)  # noqa: B023 - called at once

    def _verified(self, name: str, content: bytes | None) -> Content:
        if content is None:
            raise absent(name)
        return verified_block(name, content)

    def _key(self, name: str) -> str:
        return self._begin + checked(name)

    def _name(self, key: bytes) -> str | None:
        name = key.decode(errors="replace").removeprefix(self._begin)
        return name if is_digest(name) else None

    def _keys(self) -> Iterator[bytes]:
        special = str.maketrans({sign: f"\\{sign}" for sign in "\\*?[]^"})
        match = self._begin.translate(special) + "?" * 64
        return self._client.scan_iter(match=match, count=_SCANNED)

    @contextmanager
    def _translated(self, name: str = "") -> Iterator[None]:
        """Errors of the library as ours, without a word of the url but where the server is."""
        from redis import exceptions

        try:
            yield
        except exceptions.AuthenticationError as error:
            message = f"the server at {self._place} does not take the name and password"
            raise BackendError(message, hint="look at the url in the settings") from error
        except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
            message = f"no answer from a server of Redis at {self._place}"
            raise Unreachable(message, hint="is it running, and may it be reached?") from error
        except exceptions.OutOfMemoryError as error:
            message = f"no room for block {name} on the server at {self._place}"
            hint = "give it more memory, or let it throw away what is old: maxmemory-policy"
            raise OutOfSpace(message, hint=hint) from error
        except exceptions.RedisError as error:
            message = f"the server at {self._place} refuses: {error}"
            raise BackendError(message, hint="look at the server's log") from error


def _client(url: str, password: str | None, timeout: float) -> _Client:
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        message = "blocks on a server of Redis need a library that is not installed"
        raise MissingLibrary(message, hint="pip install 'agent-memos[redis]'") from error
    try:
        pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 1),  # once, where the server has closed a connection
        )
    except ValueError:
        # Not chained: the text is of the url, and a traceback is shown.
        raise _no_url() from None
    pool.connection_kwargs["decode_responses"] = False  # the url may say otherwise
    if password is not None:
        pool.connection_kwargs["password"] = password
    return cast("_Client", redis.Redis.from_pool(pool))


def _shown(url: str) -> str:
    """Where a server is, for people: no name, no password and nothing that is asked of it.

    Raises:
        BadSetting: it is no URL of a server.
    """
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise _no_url() from None
    if parts.scheme not in _SCHEMES:
        raise _no_url()
    return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}{port}"


def _no_url() -> BadSetting:
    message = "what should say where a server of Redis is, is no URL of one"
    return BadSetting(message, hint="such as redis://localhost:6379/0")
