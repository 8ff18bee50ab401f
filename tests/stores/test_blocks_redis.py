"""Blocks on a real server of Redis or Valkey keep the port's promises."""

from __future__ import annotations

import builtins
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from memos.errors import BackendError, BadSetting, MissingBlock, MissingLibrary, OutOfSpace
from memos.errors import Unreachable as NoAnswer
from memos.stores.blocks_redis import RedisBlocks
from memos.testing.blocks import ABSENT, BlocksSuite, a_block
from memos.testing.redis_server import running, server_programs
from tests.servers import wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from memos.ports.blocks import Blocks
    from memos.testing.redis_server import Server

SECRET = "a-secret-of-the-server"  # noqa: S105 - of a server that lives as long as a test
PROGRAMS: list[Path | None] = [*server_programs()] or [None]


@pytest.fixture(scope="module", params=PROGRAMS, ids=lambda path: path and path.name)
def program(request: pytest.FixtureRequest) -> Path:
    return wanted(request.param)


@pytest.fixture(scope="module")
def server(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(program, tmp_path_factory.mktemp("server"), "--requirepass", SECRET) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """Who reaches the bytes on the server behind our back."""
    redis = pytest.importorskip("redis")
    client = redis.Redis.from_url(server.url(SECRET))
    client.flushall()
    yield client
    client.close()


class TestRedisBlocks(BlocksSuite):
    @pytest.fixture
    def blocks(self, server: Server, client: Any) -> Iterator[Blocks]:
        self.client, self.url = client, server.url(SECRET)
        blocks = RedisBlocks(self.url, store="one")
        yield blocks
        blocks.close()

    def reopened(self, blocks: Blocks) -> Blocks:
        blocks.close()
        return RedisBlocks(self.url, store="one")

    def files(self) -> Path | None:
        return None

    def raw(self, blocks: Blocks, name: str) -> bytes:
        return bytes(self.client.get(f"memos:one:{name}"))

    def spoil(self, blocks: Blocks, name: str, raw: bytes) -> None:
        self.client.set(f"memos:one:{name}", raw)


def test_stores_on_one_server_share_nothing(server: Server, client: Any) -> None:
    one, other, third = (
        RedisBlocks(server.url(SECRET), store=store) for store in ("a", "b", "[ab]*")
    )
    name, content = a_block(1)
    one.put(name, content)
    client.set("memos:a:not a block", b"x")
    client.set("somebody-else", b"x")
    assert one.sizes() == {name: len(content)}
    assert other.sizes() == third.sizes() == {}
    with pytest.raises(MissingBlock):
        other.get(name)
    third.put(name, content)
    third.drop(name)
    assert one.get(name) == content


def test_two_processes_see_the_same_blocks(server: Server, client: Any) -> None:
    one, other = (RedisBlocks(server.url(SECRET), store="shared") for _ in range(2))
    name, content = a_block(1)
    one.put(name, content)
    assert other.get(name) == content
    other.drop(name)
    assert list(one.get_many([name])) == [(name, None)]


def test_a_block_lives_as_long_as_it_may(server: Server, client: Any) -> None:
    blocks = RedisBlocks(server.url(SECRET), store="short", ttl_seconds=100)
    name, content = a_block(1)
    blocks.put(name, content)
    assert 0 < client.ttl(f"memos:short:{name}") <= 100
    RedisBlocks(server.url(SECRET), store="long").put(name, content)
    assert client.ttl(f"memos:long:{name}") == -1
    client.pexpire(f"memos:short:{name}", 0)
    with pytest.raises(MissingBlock):
        blocks.get(name)
    assert blocks.sizes() == {}


def test_what_the_server_throws_away_is_absent(program: Path, tmp_path: Path) -> None:
    options = ("--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru")
    with running(program, tmp_path, *options) as server:
        blocks = RedisBlocks(server.url(), store="one")
        held = dict(a_block(number, 1 << 20) for number in range(30))
        for name, content in held.items():
            blocks.put(name, content)
        got = dict(blocks.get_many(list(held)))
        there = {name for name, content in got.items() if content is not None}
        assert 0 < len(there) < 30
        assert all(got[name] == held[name] for name in there)
        assert set(blocks.sizes()) == there
        blocks.close()


def test_a_server_without_room_says_so_and_keeps_what_it_has(program: Path, tmp_path: Path) -> None:
    with running(program, tmp_path, "--maxmemory", "20mb") as server:
        blocks = RedisBlocks(server.url(), store="one")
        held: dict[str, bytes] = {}

        def fill() -> None:
            for number in range(30):
                name, content = a_block(number, 1 << 20)
                blocks.put(name, content)
                held[name] = content

        with pytest.raises(OutOfSpace, match="no room") as caught:
            fill()
        assert caught.value.hint
        assert held
        assert dict(blocks.get_many(list(held))) == held
        blocks.drop(next(iter(held)))
        blocks.put(*a_block(99, 1000))
        blocks.close()


def test_a_server_that_has_gone_is_unreachable_and_no_block_is_absent(
    program: Path, tmp_path: Path
) -> None:
    with running(program, tmp_path) as server:
        blocks = RedisBlocks(server.url(), store="one")
        name, content = a_block(1)
        blocks.put(name, content)
    calls: dict[str, Callable[[], object]] = {
        "get": lambda: blocks.get(name),
        "get_many": lambda: list(blocks.get_many([name, ABSENT])),
        "put": lambda: blocks.put(name, content),
        "drop": lambda: blocks.drop(name),
        "sizes": blocks.sizes,
        "open": lambda: RedisBlocks(server.url(), store="one"),
    }
    for call in calls.values():
        with pytest.raises(NoAnswer, match=str(server.port)) as caught:
            call()
        assert caught.value.hint


def test_a_connection_that_the_server_closes_is_made_again(server: Server, client: Any) -> None:
    blocks = RedisBlocks(server.url(SECRET), store="one")
    name, content = a_block(1)
    blocks.put(name, content)
    client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert blocks.get(name) == content


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_no_secret_of_the_url_is_in_an_error_or_a_log(
    server: Server, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    caplog.set_level(logging.DEBUG)
    for url in (
        f"{scheme}://somebody:hush-hush@127.0.0.1:{server.port}/0",
        f"{scheme}://somebody:hush-hush@127.0.0.1:1/0",
        f"{scheme}://somebody:hush-hush@127.0.0.1:port/0",
        "http://somebody:hush-hush@127.0.0.1/0",
        f"{scheme}://somebody:hush-hush@127.0.0.1:{server.port}/0?socket_timeout=hush-hush",
    ):
        with pytest.raises((BackendError, BadSetting)) as caught:
            RedisBlocks(url, store="one", timeout_seconds=2)
        told = "".join(traceback.format_exception(caught.value)) + caught.value.hint
        assert "hush-hush" not in told
    assert "hush-hush" not in caplog.text


def test_a_url_that_wants_text_gets_bytes(server: Server, client: Any) -> None:
    blocks = RedisBlocks(f"{server.url(SECRET)}?decode_responses=true", store="one")
    name, content = a_block(1)
    blocks.put(name, content)
    assert blocks.get(name) == content
    assert blocks.sizes() == {name: len(content)}


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imports = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "redis":
            raise ImportError(name)
        return imports(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingLibrary) as caught:
        RedisBlocks("redis://localhost:6379/0", store="one")
    assert "agent-memos[redis]" in caught.value.hint
