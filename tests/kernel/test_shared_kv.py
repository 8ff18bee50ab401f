"""Blocks that several stores share by way of a real server of Redis or Valkey."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemOS
from memos.config import KV_PASSWORD_VARIABLE, KvSettings
from memos.cube import Activation
from memos.errors import BackendError, BadInput, BadSetting, MissingKey, Unreachable
from memos.ports.catalog import Errand
from memos.testing.redis_server import running, server_programs
from tests.servers import wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from memos import KvPlace, MemCube
    from memos.config import Settings
    from memos.kinds.answer import Answer
    from memos.testing.redis_server import Server

SAID = ("Alice moved to Lisbon in May.", "Alice works as a baker.", "Alice has a dog.")
SECRET = "a-secret-of-the-server"  # noqa: S105 - of a server that lives as long as a test


@pytest.fixture(scope="module")
def program() -> Path:
    return wanted(next(iter(server_programs()), None))


@pytest.fixture
def server(program: Path, tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    with running(program, folder) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """Who sees what lies on the server."""
    client = pytest.importorskip("redis").Redis.from_url(server.url())
    yield client
    client.close()


def shared_by(settings: Settings, url: str, **more: Any) -> Settings:
    kv = KvSettings(block_tokens=32, shared=url, **more)
    return settings.model_copy(update={"kv": kv})


@pytest.fixture
def sharing(settings: Settings, server: Server) -> Settings:
    return shared_by(settings, server.url())


@pytest.fixture
def opened() -> Iterator[Callable[[MemOS], MemOS]]:
    """Closes the stores of a test."""
    with ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture
def mem(tmp_path: Path, sharing: Settings, opened: Callable[[MemOS], MemOS]) -> MemOS:
    return opened(MemOS.open(tmp_path / "one", settings=sharing))


def filled(mem: MemOS) -> MemCube:
    ids = [cube.id for cube in mem.add([{"content": one} for one in SAID], user_id="alice")]
    return mem.transform(ids, to=Kind.ACTIVATION)


def cold(mem: MemOS, state: MemCube) -> None:
    """Leave the blocks to the server alone."""
    mem.move(state.id, to="shared")
    assert mem.where(state.id).places == {"shared": len(kept(mem, state))}


def ask(mem: MemOS, *memories: str) -> Answer:
    return mem.chat("Where is Alice?", memories=memories, max_tokens=8)


def kept(mem: MemOS, state: MemCube) -> tuple[str, ...]:
    return mem._parts.ledger.blocks([state.id])[state.id]


def on_server(client: Any) -> set[str]:
    return {key.decode().rpartition(":")[2] for key in client.scan_iter(match="memos:kv:*")}


def owed(mem: MemOS) -> set[str]:
    """Blocks that are to be dropped yet."""
    tasks = mem._parts.catalog.pending(1000)
    return {task.subject for task in tasks if task.errand is Errand.BLOCK}


def place(mem: MemOS, name: str) -> KvPlace:
    return next(one for one in mem.kv_places() if one.place == name)


# --- what is shared ------------------------------------------------------------------------------


def test_a_store_made_from_a_backup_computes_nothing_that_the_first_has_computed(
    mem: MemOS, tmp_path: Path, sharing: Settings, client: Any, opened: Callable[[MemOS], MemOS]
) -> None:
    state = filled(mem)  # the first reading draws the secret by which a store names blocks
    mem.backup(tmp_path / "backup")
    MemOS.restore_backup(tmp_path / "backup", tmp_path / "two", settings=sharing)
    other = opened(MemOS.open(tmp_path / "two", settings=sharing))
    before = ask(mem, state.id)
    assert on_server(client) == set(kept(mem, state))

    assert other.where(state.id).places == {"shared": len(kept(mem, state))}
    after = ask(other, state.id)
    assert isinstance(state.payload, Activation)
    assert (after.tokens, after.reused_tokens) == (before.tokens, state.payload.tokens)
    told = place(other, "shared")
    assert (told.hits, told.misses) == (len(kept(mem, state)), 0)
    parents = [one.id for one in state.provenance.parents]
    again = other.transform(parents, to=Kind.ACTIVATION)  # of the texts that both stores have
    assert kept(other, again) == kept(mem, state)
    (warmed,) = other.warm([again.id])
    assert warmed.reused_tokens == warmed.tokens


def test_what_one_store_forgets_the_other_makes_anew(
    mem: MemOS, tmp_path: Path, sharing: Settings, client: Any, opened: Callable[[MemOS], MemOS]
) -> None:
    state = filled(mem)
    before = ask(mem, state.id)
    mem.backup(tmp_path / "backup")
    MemOS.restore_backup(tmp_path / "backup", tmp_path / "two", settings=sharing)
    other = opened(MemOS.open(tmp_path / "two", settings=sharing))
    mem.forget(user_id="alice")
    assert on_server(client) == set()
    after = ask(other, state.id)
    assert (after.tokens, after.reused_tokens) == (before.tokens, 0)


def test_what_lies_on_the_server_alone_is_read_from_there(mem: MemOS, client: Any) -> None:
    state = filled(mem)
    before = ask(mem, state.id)
    cold(mem, state)
    after = ask(mem, state.id)
    assert (after.tokens, after.reused_tokens) == (before.tokens, before.reused_tokens)
    mem.move(state.id, to="shared")
    victim = kept(mem, state)[1]
    content = bytearray(client.get(f"memos:kv:{victim}"))
    content[-9] ^= 1
    client.set(f"memos:kv:{victim}", bytes(content))
    again = ask(mem, state.id)
    assert again.tokens == before.tokens  # it was computed, not served as it lay there
    assert 0 < again.reused_tokens < before.reused_tokens
    assert bytes(client.get(f"memos:kv:{victim}")) != bytes(content)


def test_what_the_server_threw_away_is_computed(mem: MemOS, client: Any) -> None:
    state = filled(mem)
    before = ask(mem, state.id)
    cold(mem, state)
    client.flushall()
    after = ask(mem, state.id)
    assert (after.tokens, after.reused_tokens) == (before.tokens, 0)
    assert on_server(client) == set(kept(mem, state))


def test_a_tenant_of_another_store_finds_nothing(
    mem: MemOS, tmp_path: Path, sharing: Settings, client: Any, opened: Callable[[MemOS], MemOS]
) -> None:
    mine = filled(mem)
    other = opened(MemOS.open(tmp_path / "stranger", settings=sharing))
    theirs = filled(other)  # the same words, the same name of a user, the same model
    assert not set(kept(mem, mine)) & set(kept(other, theirs))
    assert place(other, "shared").hits == 0
    assert on_server(client) == {*kept(mem, mine), *kept(other, theirs)}
    other.forget(everything=True)
    assert on_server(client) == set(kept(mem, mine))


def test_two_tenants_of_one_store_share_nothing_there_either(mem: MemOS) -> None:
    mine = filled(mem)
    bobs = mem.add([{"content": one} for one in SAID], user_id="bob")
    theirs = mem.transform([cube.id for cube in bobs], to=Kind.ACTIVATION)
    assert not set(kept(mem, mine)) & set(kept(mem, theirs))
    assert place(mem, "shared").hits == 0


# --- what is forgotten ---------------------------------------------------------------------------


def test_forgetting_takes_the_blocks_from_the_server(mem: MemOS, client: Any) -> None:
    state = filled(mem)
    cold(mem, state)
    assert on_server(client)
    assert state.id in mem.forget(user_id="alice").ids
    assert on_server(client) == set()


def test_cooling_takes_them_from_the_server_too(mem: MemOS, client: Any) -> None:
    state = filled(mem)
    assert mem.cool([state.id]).dropped == len(kept(mem, state))
    assert on_server(client) == set()


# --- a server that fails -------------------------------------------------------------------------


def test_a_server_that_is_killed_costs_no_answer_and_forgetting_insists(
    mem: MemOS, server: Server, program: Path, tmp_path: Path, sharing: Settings
) -> None:
    state = filled(mem)
    before = ask(mem, state.id)
    cold(mem, state)
    server.process.kill()
    server.process.wait()
    after = ask(mem, state.id)
    assert (after.tokens, after.reused_tokens) == (before.tokens, 0)
    again = ask(mem, state.id)
    assert again.reused_tokens == before.reused_tokens  # from memory, where they are now
    names = set(kept(mem, state))
    with pytest.raises(Unreachable):
        mem.forget(user_id="alice")
    assert mem.get_all(user_id="alice") == []  # they are not served, whatever lies on the server
    assert names == owed(mem)
    (bob,) = mem.add("Bob likes tea.", user_id="bob")  # a server costs nobody a memory
    assert mem.search("tea", user_id="bob")[0].cube.id == bob.id
    assert names == owed(mem)
    mem.close()
    with MemOS.open(tmp_path / "one", settings=sharing) as reopened:
        assert names == owed(reopened)
        with pytest.raises(Unreachable):
            reopened.forget(bob.id)


def test_what_is_owed_to_a_server_is_paid_when_one_answers_again(
    mem: MemOS, server: Server, program: Path, tmp_path: Path, settings: Settings
) -> None:
    state = filled(mem)
    names = kept(mem, state)
    server.process.kill()
    server.process.wait()
    with pytest.raises(Unreachable):
        mem.forget(user_id="alice")
    told = [(one.code, one.repaired) for one in mem.check(repair=True).problems]
    assert ("unfinished", False) in told
    mem.close()
    folder = tmp_path / "back"
    folder.mkdir()
    with running(program, folder) as back:
        client = pytest.importorskip("redis").Redis.from_url(back.url())
        for name in names:
            client.set(f"memos:kv:{name}", b"as it lay there")
        with MemOS.open(tmp_path / "one", settings=shared_by(settings, back.url())) as again:
            assert owed(again) == set()
            assert again.check().problems == ()
        assert on_server(client) == set()
        client.close()


def test_a_server_that_was_never_there_costs_no_answer(
    tmp_path: Path, settings: Settings, program: Path, opened: Callable[[MemOS], MemOS]
) -> None:
    absent = shared_by(settings, "redis://127.0.0.1:1/0")
    mem = opened(MemOS.open(tmp_path / "one", settings=absent))
    state = filled(mem)
    assert ask(mem, state.id).reused_tokens > 0
    with pytest.raises(Unreachable):
        mem.move(state.id, to="shared")
    assert mem.where(state.id).places["disk"] == len(kept(mem, state))


def test_a_server_without_room_costs_no_answer(
    tmp_path: Path, settings: Settings, program: Path, opened: Callable[[MemOS], MemOS]
) -> None:
    folder = tmp_path / "full"
    folder.mkdir()
    with running(program, folder, "--maxmemory", "1mb") as server:
        mem = opened(MemOS.open(tmp_path / "one", settings=shared_by(settings, server.url())))
        state = filled(mem)
        assert ask(mem, state.id).reused_tokens > 0
        mem.close()


# --- its settings --------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["somebody:hush-hush@", ":hush-hush@", "somebody@"])
def test_a_password_in_the_settings_is_refused_and_not_repeated(
    tmp_path: Path, settings: Settings, said: str
) -> None:
    with pytest.raises(BadSetting) as caught:
        MemOS.open(tmp_path / "s", settings=shared_by(settings, f"redis://{said}127.0.0.1:1/0"))
    assert "hush-hush" not in f"{caught.value} {caught.value.hint}"
    assert KV_PASSWORD_VARIABLE in caught.value.hint


def test_the_password_of_a_server_comes_from_the_environment(
    tmp_path: Path, settings: Settings, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "guarded"
    folder.mkdir()
    with running(program, folder, "--requirepass", SECRET) as server:
        keyed = shared_by(settings, server.url(), shared_key_from="env")
        monkeypatch.delenv(KV_PASSWORD_VARIABLE, raising=False)
        with pytest.raises(MissingKey):
            MemOS.open(tmp_path / "one", settings=keyed)
        monkeypatch.setenv(KV_PASSWORD_VARIABLE, SECRET)
        with MemOS.open(tmp_path / "one", settings=keyed) as mem:
            state = filled(mem)
            cold(mem, state)
            assert ask(mem, state.id).reused_tokens > 0
        monkeypatch.setenv(KV_PASSWORD_VARIABLE, "another")
        with MemOS.open(tmp_path / "one", settings=keyed) as mem:
            assert ask(mem, state.id).tokens
            with pytest.raises(BackendError) as caught:
                mem.move(state.id, to="shared")
            assert "another" not in f"{caught.value} {caught.value.hint}"


def test_without_a_server_in_the_settings_there_is_no_such_place(
    mem: MemOS, settings: Settings
) -> None:
    state = filled(mem)
    mem.close()
    with MemOS.open(mem._folder, settings=settings) as alone:
        assert {one.place for one in alone.kv_places()} <= {"ram", "disk"}
        with pytest.raises(BadInput, match="no place"):
            alone.move(state.id, to="shared")
