"""Blocks over their places: what is loaded, computed, evicted, and what is never served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memos.errors import OutOfSpace, Unreachable
from memos.models.kv_plan import computed_first
from memos.models.kv_shared import SharedShelf
from memos.models.kv_shelf import Shelf
from memos.models.kv_tiers import Budgets, Tiers
from memos.models.runtime_torch import TorchRuntime
from memos.ports.kv import DISK, RAM, SHARED, Usage
from memos.scheduler.lru import Lru
from memos.stores.blocks_files import BlockFiles
from memos.stores.blocks_memory import MemoryBlocks
from memos.testing.learning import QUESTION
from memos.testing.runtime import MEMORIES, SALT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from memos.ports.blocks import Content

pytestmark = pytest.mark.usefixtures("one_thread")

BLOCK = 32
ROOMY = 1 << 30


def shelf(folder: Path, budget: int = ROOMY, codec: str = "raw") -> Shelf:
    return Shelf(lambda: BlockFiles(folder), budget_bytes=budget, policy=Lru(), codec=codec)


def opened(tiny_folder: Path, cache: Path, **places: Any) -> TorchRuntime:
    block = places.pop("block", BLOCK)
    budgets = Budgets(ram=places.pop("ram", ROOMY))
    tiers = Tiers(budgets, policy=lambda _: Lru(), **places)
    return TorchRuntime(
        str(tiny_folder), cache_folder=cache, device="cpu", kv=tiers, block_tokens=block
    )


class Asked:
    """One prompt, asked of any runtime of the same model."""

    def __init__(self, runtime: TorchRuntime) -> None:
        prompt = runtime.prompt([MEMORIES, QUESTION])
        self.tokens, self.cuts = prompt.tokens, (prompt.cuts[0], prompt.cuts[-1])
        self.kept: dict[str, Any] = {"cuts": self.cuts, "kept": self.cuts[-1], "salt": SALT}
        self.plain = runtime.logits(self.tokens, cuts=self.cuts)

    def read(self, runtime: TorchRuntime) -> tuple[str, ...]:
        return runtime.prefill(self.tokens, cuts=self.cuts, salt=SALT).blocks

    def logits(self, runtime: TorchRuntime) -> list[float]:
        return runtime.logits(self.tokens, **self.kept)

    def reused(self, runtime: TorchRuntime) -> int:
        return runtime.generate(self.tokens, limit=1, **self.kept).reused_tokens


@pytest.fixture
def asked(tiny_folder: Path, tmp_path: Path, one_thread: None) -> Asked:
    return Asked(opened(tiny_folder, tmp_path))


def usage(runtime: TorchRuntime, place: str) -> Usage:
    return next(one for one in runtime._kv.usage() if one.place == place)


@pytest.mark.parametrize(
    ("compute", "load", "computed"),
    [
        ([1, 1, 1, 1], [9, 9, 9, 9], 4),
        ([1, 1, 1, 1], [0.1, 0.1, 0.1, 0.1], 0),
        ([1, 1, 1, 1], [1, 1, 1, 1], 2),
        ([1, 1, 1], [0.5, 0.5, 0.5], 1),
        ([], [], 0),
    ],
)
def test_the_least_of_loading_computing_and_both_is_planned(
    compute: list[float], load: list[float], computed: int
) -> None:
    assert computed_first(compute, load) == computed


def test_a_block_on_disk_is_read_by_another_runtime_to_the_same_bits(
    tiny_folder: Path, tmp_path: Path, asked: Asked
) -> None:
    asked.read(opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "kv")))
    other = opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "kv"))
    assert asked.logits(other) == asked.plain
    assert asked.reused(other) == asked.cuts[-1]
    assert usage(other, DISK).hits == len(list((tmp_path / "kv").glob("*/*")))


def test_a_gap_is_computed_between_blocks_that_are_loaded(
    tiny_folder: Path, tmp_path: Path, asked: Asked
) -> None:
    names = asked.read(opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "kv")))
    for name in (names[0], names[3]):
        BlockFiles(tmp_path / "kv").drop(name)
    other = opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "kv"))
    assert asked.logits(other) == asked.plain
    assert usage(other, DISK).hits == len(names) - 2
    assert set(names) <= shelf(tmp_path / "kv").names()


@pytest.mark.parametrize("at", [100, 5000, -3])
def test_a_damaged_block_is_computed_and_written_anew(
    tiny_folder: Path, tmp_path: Path, asked: Asked, at: int
) -> None:
    names = asked.read(opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "kv")))
    path = next((tmp_path / "kv").glob(f"*/{names[2]}*"))
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)
    other = opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "kv"))
    assert asked.logits(other) == asked.plain
    assert usage(other, DISK).damaged == 1
    assert opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "kv"))._kv.verify() == []


def test_no_place_takes_more_than_its_budget(
    tiny_folder: Path, tmp_path: Path, asked: Asked
) -> None:
    whole = opened(tiny_folder, tmp_path, block=256)
    names = asked.read(whole)
    size = whole._kv.usage()[0].used_bytes // len(names)
    small = opened(
        tiny_folder,
        tmp_path,
        block=256,
        ram=3 * size,
        disk=shelf(tmp_path / "kv", 4 * (size + 4096)),
    )
    assert len(names) > 5
    plain = whole.logits(asked.tokens, cuts=asked.cuts)
    for _ in range(2):
        assert asked.logits(small) == plain
        ram, disk = usage(small, RAM), usage(small, DISK)
        assert 0 < ram.used_bytes <= 3 * size
        assert 0 < disk.used_bytes <= 4 * (size + 4096)
    other = {**asked.kept, "salt": "b" * 64}
    assert small.logits(asked.tokens, **other) == plain
    assert usage(small, RAM).evicted == usage(small, RAM).blocks == 3
    assert usage(small, DISK).evicted > 0


def test_a_disk_without_room_is_an_error_for_who_wants_to_keep_and_none_for_who_asks(
    tiny_folder: Path, tmp_path: Path, asked: Asked
) -> None:
    size = opened_block_bytes(tiny_folder, tmp_path)
    full = opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "kv", 2 * (size + 4096)))
    with pytest.raises(OutOfSpace):
        asked.read(full)
    assert asked.logits(full) == asked.plain


def test_what_is_dropped_is_nowhere_and_its_page_is_blank(
    tiny_folder: Path, tmp_path: Path, asked: Asked
) -> None:
    runtime = opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "kv"))
    names = asked.read(runtime)
    pool = runtime._kv._near
    pages = [pool._residents[name].page for name in names]
    assert all(pool.slab.memory[:, page].abs().sum() > 0 for page in pages)  # type: ignore[attr-defined]
    assert runtime._kv.drop(names) == len(names)
    assert runtime._kv.where(names) == {}
    assert not list((tmp_path / "kv").glob("*/*"))
    assert all(pool.slab.memory[:, page].abs().sum() == 0 for page in pages)  # type: ignore[attr-defined]
    assert asked.reused(runtime) == 0


def test_a_move_leaves_a_block_where_it_was_told_to_be(
    tiny_folder: Path, tmp_path: Path, asked: Asked
) -> None:
    runtime = opened(
        tiny_folder, tmp_path, disk=shelf(tmp_path / "kv"), shared=SharedShelf(MemoryBlocks)
    )
    names = asked.read(runtime)
    assert runtime._kv.where(names[:1]) == {names[0]: (RAM, DISK, SHARED)}
    runtime._kv.drop(names)
    names = asked.read(runtime)
    runtime._kv.move(names, DISK)
    assert runtime._kv.where(names[:1]) == {names[0]: (DISK, SHARED)}
    assert runtime._kv.move(names, RAM) > 0
    assert runtime._kv.where(names[:1]) == {names[0]: (RAM, DISK, SHARED)}
    assert asked.logits(runtime) == asked.plain
    assert usage(runtime, DISK).hits == 0
    runtime._kv.move(names, SHARED)
    assert runtime._kv.where(names[:1]) == {names[0]: (SHARED,)}
    assert asked.logits(runtime) == asked.plain


def test_a_coarse_codec_keeps_the_first_tokens_exact(
    tiny_folder: Path, tmp_path: Path, asked: Asked
) -> None:
    raw = opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "raw"))
    coarse = opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "int4", codec="int4"))
    names = asked.read(raw)
    asked.read(coarse)
    for runtime in (raw, coarse):
        runtime._kv.move(names, DISK)
    exact, rounded = (runtime._kv._read(names[0]) for runtime in (raw, coarse))
    assert exact is not None
    assert rounded is not None
    assert (exact.keys[:, :4] == rounded.keys[:, :4]).all()
    assert (exact.keys[:, 4:] != rounded.keys[:, 4:]).any()
    assert usage(coarse, DISK).used_bytes < usage(raw, DISK).used_bytes


class TestShared:
    @pytest.fixture
    def server(self) -> MemoryBlocks:
        return MemoryBlocks()

    def test_what_one_store_read_another_need_not(
        self, tiny_folder: Path, tmp_path: Path, asked: Asked, server: MemoryBlocks
    ) -> None:
        asked.read(opened(tiny_folder, tmp_path, shared=SharedShelf(lambda: server)))
        other = opened(tiny_folder, tmp_path, shared=SharedShelf(lambda: server))
        assert asked.reused(other) == asked.cuts[-1]
        assert asked.logits(other) == asked.plain

    def test_a_server_that_is_silent_costs_no_answer_but_forgetting_insists(
        self, tiny_folder: Path, tmp_path: Path, asked: Asked
    ) -> None:
        tried: list[str] = []
        silent = opened(tiny_folder, tmp_path, shared=SharedShelf(lambda: Silent(tried)))
        assert asked.logits(silent) == asked.plain
        names = asked.read(silent)
        assert asked.logits(silent) == asked.plain
        assert len(tried) == 1
        with pytest.raises(Unreachable):
            silent._kv.drop(names)

    def test_bytes_of_a_stranger_are_not_served(
        self, tiny_folder: Path, tmp_path: Path, asked: Asked, server: MemoryBlocks
    ) -> None:
        names = asked.read(opened(tiny_folder, tmp_path, shared=SharedShelf(lambda: server)))
        content = bytearray(server.get(names[1]))
        server.drop(names[1])
        server._blocks[names[1]] = bytes(content[:-1])
        other = opened(tiny_folder, tmp_path, shared=SharedShelf(lambda: server))
        assert asked.logits(other) == asked.plain


class Silent:
    """A server that never answers."""

    def __init__(self, tried: list[str]) -> None:
        self._tried = tried

    def _fail(self) -> Unreachable:
        self._tried.append("asked")
        return Unreachable("no answer")

    def put(self, name: str, content: Content) -> None:
        raise self._fail()

    def get(self, name: str) -> Content:
        raise self._fail()

    def get_many(self, names: Sequence[str]) -> Iterator[tuple[str, Content | None]]:
        raise self._fail()

    def drop(self, name: str) -> None:
        raise self._fail()

    def sizes(self) -> Mapping[str, int]:
        raise self._fail()

    def close(self) -> None:
        """Nothing is open."""


def opened_block_bytes(tiny_folder: Path, tmp_path: Path) -> int:
    runtime = opened(tiny_folder, tmp_path)
    layout = runtime._lm.layout
    assert layout is not None
    return layout.block_bytes


def test_the_front_is_computed_while_the_rest_is_loaded(
    tiny_folder: Path, tmp_path: Path, asked: Asked
) -> None:
    names = asked.read(opened(tiny_folder, tmp_path, disk=shelf(tmp_path / "kv")))
    slow = shelf(tmp_path / "kv")
    other = opened(tiny_folder, tmp_path, disk=slow)
    size = max(slow.blocks.sizes().values())
    slow.counters.read(size, 1.0)  # as if loading a block took a second,
    other._kv.took(BLOCK, 1.0)  # and computing one as well
    assert asked.logits(other) == asked.plain
    assert len(names) // 3 < usage(other, DISK).hits < 2 * len(names) // 3
    assert set(other._kv.where(names)) == set(names)
