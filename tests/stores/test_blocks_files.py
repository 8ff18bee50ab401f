"""Blocks in files keep the port's promises, whichever way they are read, plain and encrypted."""

from __future__ import annotations

import json
import os
import secrets
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest

from memos.errors import BadSetting, CorruptionError, MissingBlock
from memos.stores import block_probe, block_reading, boxes
from memos.stores.block_memory import Memory
from memos.stores.block_probe import REMEMBERED, fastest_way
from memos.stores.block_reading import WAYS, Reader
from memos.stores.blocks_files import BlockFiles
from memos.testing.blocks import BODY, BlocksSuite, a_block

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memos.ports.blocks import Blocks

KEY = secrets.token_bytes(32)


def only_file(folder: Path) -> Path:
    (path,) = (path for path in folder.glob("??/*") if path.is_file())
    return path


class TestBlockFiles(BlocksSuite):
    options: dict[str, Any]

    @pytest.fixture(autouse=True, params=WAYS)
    def options_by_way(self, request: pytest.FixtureRequest) -> None:
        self.options = {"reading": request.param}

    @pytest.fixture
    def blocks(self, options_by_way: None, tmp_path: Path) -> Iterator[Blocks]:
        self.folder = tmp_path / "blocks"
        blocks = BlockFiles(self.folder, **self.options)
        yield blocks
        blocks.close()

    def reopened(self, blocks: Blocks) -> Blocks:
        blocks.close()
        return BlockFiles(self.folder, **self.options)

    def files(self) -> Path:
        return self.folder

    def raw(self, blocks: Blocks, name: str) -> bytes:
        return cast("BlockFiles", blocks).path(name).read_bytes()

    def spoil(self, blocks: Blocks, name: str, raw: bytes) -> None:
        cast("BlockFiles", blocks).path(name).write_bytes(raw)


class TestSealedBlockFiles(TestBlockFiles):
    @pytest.fixture(autouse=True)
    def options_by_way(self) -> None:
        self.options = {"reading": "buffered", "cipher_key": KEY}


class TestSealedBlockFilesInManyBoxes(TestSealedBlockFiles):
    @pytest.fixture(autouse=True)
    def small_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(boxes, "_PART", 5000)


def test_a_block_is_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "blocks"
    blocks = BlockFiles(folder)
    name, content = a_block(1)
    blocks.put(name, content)
    path = folder / name[:2] / name
    assert path == blocks.path(name)
    assert path.read_bytes() == content
    modes = [one.stat().st_mode & 0o777 for one in (folder, path.parent, path)]
    assert modes == [0o700, 0o700, 0o600]
    assert (folder / REMEMBERED).stat().st_mode & 0o777 == 0o600


def test_nothing_but_the_block_is_left_by_a_put(tmp_path: Path) -> None:
    name, content = a_block(1)
    BlockFiles(tmp_path, reading="buffered").put(name, content)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [name]


def test_what_a_crash_left_unfinished_goes_at_the_next_opening(tmp_path: Path) -> None:
    name, content = a_block(1)
    BlockFiles(tmp_path, reading="buffered").put(name, content)
    unfinished = tmp_path / ".0123456789abcdef.part"
    unfinished.write_bytes(content[:5000])
    again = BlockFiles(tmp_path, reading="buffered")
    assert not unfinished.exists()
    assert again.sizes() == {name: len(content)}


def test_an_encrypted_folder_tells_neither_names_nor_contents(tmp_path: Path) -> None:
    name, content = a_block(1)
    BlockFiles(tmp_path, cipher_key=KEY).put(name, content)
    path = only_file(tmp_path)
    sealed = path.read_bytes()
    for clear in (content[4096:4128], name.encode(), bytes.fromhex(name), b"AMKV"):
        assert clear not in sealed
    assert name[:16] not in path.name
    BlockFiles(tmp_path / "other", cipher_key=secrets.token_bytes(32)).put(name, content)
    assert only_file(tmp_path / "other").name != path.name


def test_with_another_key_nothing_is_found_and_nothing_removed(tmp_path: Path) -> None:
    name, content = a_block(1)
    BlockFiles(tmp_path, cipher_key=KEY).put(name, content)
    other = BlockFiles(tmp_path, cipher_key=secrets.token_bytes(32))
    assert other.sizes() == {}
    with pytest.raises(MissingBlock):
        other.get(name)
    other.path(name).parent.mkdir(exist_ok=True)
    other.path(name).write_bytes(only_file(tmp_path).read_bytes())
    with pytest.raises(CorruptionError):
        other.get(name)
    again = BlockFiles(tmp_path, cipher_key=KEY)
    assert again.get(name) == content


def test_boxes_cannot_change_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "_PART", 4096)
    blocks = BlockFiles(tmp_path, cipher_key=KEY)
    name, content = a_block(1, 4 * 4096)
    blocks.put(name, content)
    sealed, size = blocks.path(name).read_bytes(), 4096 + 28
    parts = [sealed[start : start + size] for start in range(boxes.HEAD, len(sealed), size)]
    parts[2], parts[3] = parts[3], parts[2]
    blocks.path(name).write_bytes(sealed[: boxes.HEAD] + b"".join(parts))
    with pytest.raises(CorruptionError):
        blocks.get(name)


@pytest.mark.parametrize("way", WAYS)
def test_what_is_got_begins_at_a_page_and_is_nobody_elses(tmp_path: Path, way: str) -> None:
    import numpy as np

    blocks = BlockFiles(tmp_path, reading=cast("Any", way))
    name, content = a_block(1)
    blocks.put(name, content)
    first, second = blocks.get(name), blocks.get(name)
    assert np.frombuffer(first, np.uint8).ctypes.data % 4096 == 0
    cast("memoryview", first)[4096:] = bytes(BODY)
    assert bytes(second) == content == bytes(blocks.get(name)) == blocks.path(name).read_bytes()


def test_many_are_read_ahead_by_several_threads_but_never_more_than_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = BlockFiles(tmp_path, reading="buffered", threads=3, ahead_bytes=100_000)
    held = dict(a_block(number) for number in range(30))
    for one in held.items():
        blocks.put(*one)
    read: list[int] = []
    by: set[str] = set()
    reads = Reader.read

    def counted(reader: Reader, path: Path) -> memoryview:
        read.append(path.stat().st_size)
        by.add(threading.current_thread().name)
        return reads(reader, path)

    monkeypatch.setattr(Reader, "read", counted)
    taken = 0
    for name, content in blocks.get_many(list(held)):
        assert content == held[name]
        assert sum(read) - taken <= 100_000 + len(held[name])
        taken += len(held[name])
    assert len(read) == 30
    assert by
    assert threading.main_thread().name not in by


def test_memory_is_used_again_once_nobody_holds_it_and_never_before() -> None:
    memory = Memory(1 << 20)
    first = memory.take(1000)
    first[:] = b"a" * 1000
    part = first[10:20]
    del first
    assert memory.kept == 0  # a part of it is held
    second = memory.take(1000)
    second[:] = b"b" * 1000
    assert bytes(part) == b"a" * 10
    del part
    assert memory.kept == 256 << 10
    third = memory.take(1001)
    assert memory.kept == 0
    assert bytes(third[:10]) == b"a" * 10
    assert bytes(second) == b"b" * 1000


def test_no_more_memory_is_kept_than_may_be() -> None:
    memory = Memory(1 << 20)
    held = [memory.take(300_000) for _ in range(5)]
    held.clear()
    assert memory.kept == 1 << 20
    memory.clear()
    assert memory.kept == 0
    large = memory.take(2 << 20)
    del large
    assert memory.kept == 0


def test_a_block_that_is_larger_than_what_may_be_read_ahead_is_read(tmp_path: Path) -> None:
    blocks = BlockFiles(tmp_path, reading="buffered", ahead_bytes=1)
    held = dict(a_block(number) for number in range(4))
    for name, content in held.items():
        blocks.put(name, content)
    assert dict(blocks.get_many(list(held))) == held


def test_after_closing_no_thread_is_left_and_the_rest_of_many_still_comes(tmp_path: Path) -> None:
    blocks = BlockFiles(tmp_path, reading="buffered")
    held = dict(a_block(number) for number in range(20))
    for name, content in held.items():
        blocks.put(name, content)
    before = set(threading.enumerate())
    coming = blocks.get_many(list(held))
    next(coming)
    assert set(threading.enumerate()) - before
    blocks.close()
    assert not set(threading.enumerate()) - before
    assert len(list(coming)) == 19
    blocks.close()


def test_a_way_that_the_file_system_refuses_is_left_for_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = BlockFiles(tmp_path, reading="direct")
    name, content = a_block(1)
    blocks.put(name, content)
    monkeypatch.setattr(block_reading, "_is_cached", lambda descriptor, size: False)
    monkeypatch.setattr("fcntl.fcntl", refuses)
    assert blocks.get(name) == content
    assert blocks.reading == "buffered"


def refuses(descriptor: int, command: int, flags: int) -> int:
    """What a file system says that reads only through the page cache."""
    raise OSError(22, "Invalid argument")


def test_a_file_that_the_page_cache_has_is_not_fetched_from_the_disk(tmp_path: Path) -> None:
    blocks = BlockFiles(tmp_path, reading="direct")
    name, content = a_block(1, 3 << 20)
    blocks.put(name, content)
    with block_reading.opened(blocks.path(name)) as descriptor:
        assert block_reading._is_cached(descriptor, len(content))
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        cold = not block_reading._is_cached(descriptor, len(content))  # never on a tmpfs
        assert blocks.get(name) == content
        assert block_reading._is_cached(descriptor, len(content)) is not cold
    assert blocks.reading == "direct"


def test_a_way_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="buffered"):
        BlockFiles(tmp_path, reading=cast("Any", "quick"))


class TestWhichWay:
    @pytest.fixture
    def measured(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int]]:
        """The rates to be found; what is used is taken from it."""
        rates = [{"buffered": 1000, "direct": 2000}, {"buffered": 1000, "direct": 1100}]
        monkeypatch.setattr(block_probe, "measured", lambda folder: rates.pop(0))
        return rates

    def test_the_faster_is_taken_and_remembered(
        self, tmp_path: Path, measured: list[dict[str, int]]
    ) -> None:
        assert [fastest_way(tmp_path) for _ in range(3)] == ["direct"] * 3
        assert len(measured) == 1

    def test_direct_must_be_worth_it(self, tmp_path: Path, measured: list[dict[str, int]]) -> None:
        measured.pop(0)
        assert fastest_way(tmp_path) == "buffered"

    def test_a_folder_that_came_to_another_disk_is_tried_again(
        self, tmp_path: Path, measured: list[dict[str, int]]
    ) -> None:
        fastest_way(tmp_path)
        told = json.loads((tmp_path / REMEMBERED).read_text())
        (tmp_path / REMEMBERED).write_text(json.dumps({**told, "disk": "another"}))
        assert fastest_way(tmp_path) == "buffered"
        assert measured == []

    @pytest.mark.parametrize("told", [b"", b"\xff", b"[]", b'{"way": 7}', b'{"way": "quick"}'])
    def test_what_cannot_be_read_is_measured_again(
        self, tmp_path: Path, measured: list[dict[str, int]], told: bytes
    ) -> None:
        (tmp_path / REMEMBERED).write_bytes(told)
        assert fastest_way(tmp_path) == "direct"

    def test_nothing_is_tried_where_the_setting_names_a_way(
        self, tmp_path: Path, measured: list[dict[str, int]]
    ) -> None:
        assert BlockFiles(tmp_path, reading="mapped").reading == "mapped"
        assert len(measured) == 2
        assert list(tmp_path.iterdir()) == []

    def test_trying_it_leaves_nothing_and_writes_little(self, tmp_path: Path) -> None:
        rates = block_probe.measured(tmp_path)
        assert set(rates) == {"buffered", "direct"}
        assert rates["buffered"] > 0
        assert list(tmp_path.iterdir()) == []
