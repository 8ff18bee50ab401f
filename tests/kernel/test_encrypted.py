"""An encrypted store works as any other does, and its folder tells nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from safetensors.numpy import load

from memos import Kind, MemOS
from memos.config import EncryptionSettings, Settings, VectorsSettings
from memos.errors import BadSetting, CorruptionError, MissingKey, MissingLibrary, WrongKey
from memos.ports.block_wire import body_of
from memos.stores.keys import MasterKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.ports.runtime import Saved

KEY = MasterKey.fresh().text
OTHER = MasterKey.fresh().text
CLEAR = ("zyxomma", "Quxley", "frobnitz", "wibbleton", "grault", "plughish")
"""Words that nothing else contains: in a text, a speaker, a user id, a label, a title, a filter."""


@pytest.fixture
def sealed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an encrypted store; everything else by default, the vectors too."""
    monkeypatch.setenv("AGENT_MEMOS_KEY", KEY)
    changes = {"encryption": EncryptionSettings(key_from="env"), "vectors": VectorsSettings()}
    return settings.model_copy(update=changes)


@pytest.fixture
def mem(tmp_path: Path, sealed: Settings) -> Iterator[MemOS]:
    with MemOS.open(tmp_path / "store", settings=sealed) as opened:
        yield opened


def remember(mem: MemOS) -> list[str]:
    """Texts in which each of the telling words stands, and a KV cube made of them."""
    turns = [
        {"role": "user", "name": "Quxley", "content": f"The zyxomma flew, day {number}."}
        for number in range(5)
    ]
    cubes = mem.add(
        turns,
        user_id="frobnitz",
        session_id="s",
        labels=["wibbleton"],
        metadata={"app": "plughish"},
        idempotency_key="once",
    )
    kv = mem.transform([cube.id for cube in cubes], to=Kind.ACTIVATION, title="grault")
    return [*(cube.id for cube in cubes), kv.id]


def bytes_of(folder: Path) -> bytes:
    names = " ".join(str(path.relative_to(folder)) for path in folder.rglob("*"))
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return b"\n".join([names.encode(), *contents])


def telling(folder: Path) -> list[str]:
    """Which of the words can be read from the folder, in any case and as UTF-16 too."""
    content = bytes_of(folder).lower()
    return [
        word
        for word in CLEAR
        if word.lower().encode() in content or word.lower().encode("utf-16-le") in content
    ]


def kv_contents(mem: MemOS, cube_id: str) -> dict[str, bytes]:
    """By name, the blocks that a KV cube is kept in, as the model reads them."""
    names = mem._parts.ledger.blocks()[cube_id]
    shelf = mem._parts.kv._shelves["disk"]  # type: ignore[attr-defined]
    return {name: bytes(shelf.get(name)) for name in names}


def test_the_same_words_can_be_read_in_a_plain_folder(tmp_path: Path, settings: Settings) -> None:
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        *_, kv = remember(mem)
        contents = kv_contents(mem, kv)
    assert telling(tmp_path / "store") == list(CLEAR)
    assert all(name.encode() in bytes_of(tmp_path / "store") for name in contents)
    assert all(content in bytes_of(tmp_path / "store") for content in contents.values())


def test_no_byte_of_what_is_stored_is_in_the_folder(
    mem: MemOS, tmp_path: Path, sealed: Settings
) -> None:
    folder = tmp_path / "store"
    *texts, kv = remember(mem)
    mem.search("zyxomma", user_id="frobnitz")
    mem.update(texts[0], "The zyxomma landed.")
    mem.delete(texts[1])
    (survivor,) = mem.add("The zyxomma slept.", user_id="frobnitz")
    kv = mem.transform([survivor.id], to=Kind.ACTIVATION).id
    lora = mem.transform([_taught(mem)], to=Kind.PARAMETRIC)
    contents = kv_contents(mem, kv)
    weights = mem._parts.blobs.get(lora.blobs[0])
    vector = mem._parts.embedder.embed(["The zyxomma slept."])[0].tobytes()
    digests = mem._parts.catalog.blobs()
    assert load(weights)  # it is what a model wears, as plain safetensors
    clear = [weights, *(bytes(body_of(block, name)) for name, block in contents.items())]
    pieces = [
        piece
        for content in clear
        for start in range(0, len(content) - 64, 640)
        if any(piece := content[start : start + 64])
    ]
    assert len(pieces) > 100
    secrets = [KEY.encode(), MasterKey.read(KEY, where="").content]
    for state in ("open", "closed"):
        found = bytes_of(folder)
        assert telling(folder) == [], state
        named = [name.encode() for name in (*digests, *contents)]
        for hidden in (vector, *pieces, *secrets, *named):
            assert hidden not in found, state
        mem.close()


def test_what_an_interrupted_training_has_reached_is_sealed(
    mem: MemOS, tmp_path: Path, sealed: Settings
) -> None:
    runtime: Any = mem._parts.runtime
    state = b"plughish " * 100

    def stop(*_given: Any, saved: Saved, **_more: Any) -> None:
        saved.save(state, 7)
        assert saved.load() == state
        raise KeyboardInterrupt

    runtime.train = stop
    with pytest.raises(KeyboardInterrupt):
        mem.transform([_taught(mem)], to=Kind.PARAMETRIC, title="grault")
    (training,) = mem._parts.ledger.trainings()
    for _ in range(2):
        assert telling(tmp_path / "store") == []
        assert str(training.checkpoint).encode() not in bytes_of(tmp_path / "store")
        mem.close()


def _taught(mem: MemOS) -> str:
    (cube,) = mem.add("Alice lives in Zyxomma.", user_id="frobnitz")
    return cube.id


def test_a_killed_process_leaves_nothing_to_read(tmp_path: Path, sealed: Settings) -> None:
    code = (
        "import os, sys; from memos import MemOS; from memos.config import Settings\n"
        "settings = Settings.model_validate_json(sys.argv[2])\n"
        "mem = MemOS.open(sys.argv[1], settings=settings)\n"
        "for n in range(20): mem.add(f'The zyxomma flew {n}.', user_id='frobnitz')\n"
        "mem._parts.blobs.put(b'grault' * 1000)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    arguments = [str(tmp_path / "store"), sealed.model_dump_json()]
    killed = subprocess.run([sys.executable, "-c", code, *arguments], check=False)
    assert killed.returncode == -9
    assert (tmp_path / "store" / "catalog.db-wal").stat().st_size > 0
    assert telling(tmp_path / "store") == []
    with MemOS.open(tmp_path / "store", settings=sealed) as mem:
        assert len(mem.search("zyxomma", k=50)) == 20
        assert list(mem._parts.blobs.digests()) == []  # opening has swept what nobody refers to
        assert mem.check().problems == ()


def test_everything_works_and_is_there_after_reopening(
    mem: MemOS, tmp_path: Path, sealed: Settings
) -> None:
    *texts, kv = remember(mem)
    read = mem.chat("What flew?", memories=texts, max_tokens=5)
    mem.close()
    with MemOS.open(tmp_path / "store", settings=sealed, create=False) as again:
        resumed = again.chat("What flew?", memories=[kv], max_tokens=5)
        assert (resumed.text, resumed.reused_tokens > 0) == (read.text, True)
        assert again.check().problems == ()
        assert again.stats().blocks == again.where(kv).blocks > 0
        revised = again.update(texts[0], "The zyxomma landed.")
        assert [one.version for one in again.history(texts[0])] == [1, 2]
        assert again.search("landed")[0].cube == revised
        again.delete(texts[0])
        assert again.search("landed zyxomma", k=10)[0].cube.id != texts[0]
        assert again.check().problems == ()
        assert again.stats().blocks == 0


def test_what_a_bundle_carries_goes_from_a_plain_store_into_an_encrypted_one(
    mem: MemOS, tmp_path: Path, settings: Settings
) -> None:
    with MemOS.open(tmp_path / "plain", settings=settings) as plain:
        remember(plain)
        plain.export_to(tmp_path / "all.zip")
        cubes = plain.get_all()
    mem.import_from(tmp_path / "all.zip")
    assert mem.get_all() == cubes
    assert mem.check().problems == ()
    assert telling(tmp_path / "store") == []


def refused(kind: type[Exception], match: str, folder: Path, settings: Settings) -> None:
    """Opening fails with that error, which tells no key, and changes nothing."""
    before = bytes_of(folder) if folder.exists() else None
    with pytest.raises(kind, match=match) as caught:
        MemOS.open(folder, settings=settings)
    for key in (KEY, OTHER):
        assert key not in str(caught.value)
    assert (bytes_of(folder) if folder.exists() else None) == before


def test_without_the_key_or_with_another_nothing_opens_and_nothing_changes(
    tmp_path: Path, sealed: Settings, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store"
    with MemOS.open(folder, settings=sealed) as mem:
        mem.add("The zyxomma flew.")
    refused(MissingKey, "no key is configured", folder, settings)
    monkeypatch.setenv("AGENT_MEMOS_KEY", OTHER)
    refused(WrongKey, "not that of the store", folder, sealed)
    monkeypatch.setenv("AGENT_MEMOS_KEY", KEY[:-1])
    refused(BadSetting, "AGENT_MEMOS_KEY holds is no key", folder, sealed)
    monkeypatch.setenv("AGENT_MEMOS_KEY", "")
    refused(MissingKey, "AGENT_MEMOS_KEY is not set", folder, sealed)
    monkeypatch.setenv("AGENT_MEMOS_KEY", KEY)
    with MemOS.open(folder, settings=sealed) as mem:
        assert len(mem.search("zyxomma")) == 1


def test_a_store_that_cannot_be_encrypted_is_not_begun(
    tmp_path: Path, sealed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    chroma = sealed.model_copy(update={"vectors": VectorsSettings(backend="chroma")})
    refused(BadSetting, "chroma.*in clear", tmp_path / "store", chroma)
    monkeypatch.delenv("AGENT_MEMOS_KEY")
    refused(MissingKey, "AGENT_MEMOS_KEY is not set", tmp_path / "store", sealed)
    monkeypatch.setenv("AGENT_MEMOS_KEY", KEY)
    monkeypatch.setitem(sys.modules, "sqlcipher3", None)
    refused(MissingLibrary, "SQLCipher", tmp_path / "store", sealed)
    assert not (tmp_path / "store").exists()


def test_a_plain_store_is_opened_as_what_it_is_or_not_at_all(
    tmp_path: Path, sealed: Settings, settings: Settings
) -> None:
    with MemOS.open(tmp_path / "store", settings=settings) as mem:
        mem.add("The zyxomma flew.")
    refused(BadSetting, "memos export", tmp_path / "store", sealed)


def test_a_store_that_was_begun_and_not_finished_is_finished(
    tmp_path: Path, sealed: Settings
) -> None:
    folder = tmp_path / "store"
    MemOS.open(folder, settings=sealed).close()
    for path in folder.iterdir():
        if path.is_file() and path.name != "sealed.json":
            path.unlink()
    (folder / "blobs").rmdir()
    (folder / "vectors").rmdir()
    with MemOS.open(folder, settings=sealed) as mem:
        mem.add("The zyxomma flew.")
        assert mem.check().ok


def test_in_memory_there_is_nothing_to_encrypt(
    sealed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AGENT_MEMOS_KEY")
    with MemOS.open(None, settings=sealed) as mem:
        mem.add("The zyxomma flew.")
        assert mem.check().ok


def test_a_damaged_encrypted_catalog_is_an_error_of_ours(
    mem: MemOS, tmp_path: Path, sealed: Settings
) -> None:
    remember(mem)
    mem.close()
    path = tmp_path / "store" / "catalog.db"
    whole = path.read_bytes()
    for page in range(0, len(whole) // 4096, 5):
        broken = bytearray(whole)
        broken[4096 * page + 1234] ^= 4
        path.write_bytes(broken)
        assert "damaged-database" in codes_of(tmp_path / "store", sealed)


def codes_of(folder: Path, settings: Settings) -> set[str]:
    """What a check finds; what it can't even begin to look at is damage, too."""
    try:
        with MemOS.open(folder, settings=settings) as mem:
            return {problem.code for problem in mem.check().problems}
    except CorruptionError as error:
        return {"damaged-database"} if "catalog.db is damaged" in error.message else {error.message}


def test_every_file_is_its_owner_s_alone_and_a_check_sees_when_not(
    mem: MemOS, tmp_path: Path
) -> None:
    remember(mem)
    assert mem.check().problems == ()
    path = tmp_path / "store" / "catalog.db"
    path.chmod(0o644)
    (problem,) = mem.check().problems
    assert (problem.code, problem.subject) == ("loose-permissions", str(path))
    assert mem.check(repair=True).ok
    assert path.stat().st_mode & 0o777 == 0o600
    assert mem.check().problems == ()
