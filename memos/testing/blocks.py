"""What every place for blocks must do."""

from __future__ import annotations

import random
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pytest

from memos.errors import BadInput, CorruptionError, MissingBlock
from memos.ports.block_wire import PAGE, body_of, packed
from memos.ports.blocks import Layout, block_name
from memos.testing.traces import assert_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from memos.ports.blocks import Blocks, Content

LAYOUT = Layout(layers=2, heads=1, key_width=8, value_width=8, dtype="float32", block_tokens=16)
ROOT = "0" * 64
BODY = 3 * PAGE + 77
BIG = (33 << 20) + 5
FORGOTTEN = "attention to what should be forgotten"


def a_block(number: int, size: int = BODY, *, seed: int = 0) -> tuple[str, bytes]:
    """The name of a block and what it holds; another ``seed`` gives the same name another body."""
    name = block_name(ROOT, [number])
    body = random.Random(f"{number} {seed}").randbytes(size)  # noqa: S311 - no secret
    return name, bytes(packed(name, body, codec="raw", tokens=1, layout=LAYOUT))


ABSENT, _ = a_block(-1)
WRONG_NAMES = ["", "ab", "../../secrets", ABSENT[:-1], ABSENT + "0", ABSENT.upper(), f"{ABSENT}\n"]


def _flipped(raw: bytes, at: int) -> bytes:
    damaged = bytearray(raw)
    damaged[at] ^= 1
    return bytes(damaged)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda raw: raw[:0],
    "cut in its header": lambda raw: raw[:50],
    "cut behind its header": lambda raw: raw[:PAGE],
    "cut short by a byte": lambda raw: raw[:-1],
    "too long by a byte": lambda raw: raw + b"\0",
    "a bit of the beginning": lambda raw: _flipped(raw, 0),
    "a bit of the header": lambda raw: _flipped(raw, 40),
    "another codec": lambda raw: _flipped(raw, 6),
    "another count of tokens": lambda raw: _flipped(raw, 8),
    "another layout": lambda raw: _flipped(raw, 20),
    "a bit of the body": lambda raw: _flipped(raw, PAGE + 1000),
    "the last bit": lambda raw: _flipped(raw, -1),
    "nothing but zeros": lambda raw: bytes(len(raw)),
    "a page of zeros": lambda raw: raw[:PAGE] + bytes(PAGE) + raw[2 * PAGE :],
}


class BlocksSuite(ABC):
    """Inherit from it and say how a place is made, opened again and damaged."""

    @pytest.fixture
    @abstractmethod
    def blocks(self) -> Blocks:
        """An empty place."""

    @abstractmethod
    def reopened(self, blocks: Blocks) -> Blocks:
        """The same place, opened again; ``blocks`` itself where nothing is durable."""

    @abstractmethod
    def files(self) -> Path | None:
        """The folder that the place's files lie in; None where it has none."""

    @abstractmethod
    def raw(self, blocks: Blocks, name: str) -> bytes:
        """The bytes in which a block lies there."""

    @abstractmethod
    def spoil(self, blocks: Blocks, name: str, raw: bytes) -> None:
        """Put other bytes in the place of a block, behind the place's back."""

    def test_an_empty_place_has_nothing(self, blocks: Blocks) -> None:
        assert dict(blocks.sizes()) == {}
        assert list(blocks.get_many([])) == []
        assert list(blocks.get_many([ABSENT])) == [(ABSENT, None)]

    def test_what_is_absent_is_an_error_that_names_it(self, blocks: Blocks) -> None:
        with pytest.raises(MissingBlock, match=ABSENT) as caught:
            blocks.get(ABSENT)
        assert caught.value.hint

    @pytest.mark.parametrize("size", [0, 1, PAGE, BODY])
    def test_what_is_put_is_got_and_counted(self, blocks: Blocks, size: int) -> None:
        name, content = a_block(1, size)
        blocks.put(name, content)
        assert bytes(blocks.get(name)) == content
        assert list(blocks.sizes()) == [name]
        assert 0 <= blocks.sizes()[name] - len(content) < 1024

    def test_a_block_of_many_mebibytes_is_got_alone_and_among_others(self, blocks: Blocks) -> None:
        big, small = a_block(1, BIG), a_block(2)
        for name, content in (big, small):
            blocks.put(name, content)
        assert blocks.get(big[0]) == big[1]
        got = dict(blocks.get_many([small[0], big[0]]))
        assert [got[small[0]], got[big[0]]] == [small[1], big[1]]

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_any_bytes_can_be_put_and_are_copied(
        self, blocks: Blocks, kind: Callable[[bytearray], Content]
    ) -> None:
        name, content = a_block(1)
        given = bytearray(content)
        blocks.put(name, kind(given))
        given[:] = bytes(len(given))
        assert bytes(blocks.get(name)) == content
        assert len(body_of(blocks.get(name), name)) == BODY

    def test_putting_it_again_replaces_it(self, blocks: Blocks) -> None:
        (name, first), (_, second) = a_block(1), a_block(1, 2 * BODY, seed=1)
        blocks.put(name, first)
        before = blocks.sizes()[name]
        blocks.put(name, second)
        assert bytes(blocks.get(name)) == second
        assert blocks.sizes()[name] > before
        assert list(blocks.sizes()) == [name]

    def test_many_come_in_the_order_asked_for_whatever_is_absent(self, blocks: Blocks) -> None:
        held = dict(a_block(number) for number in range(40))
        for name, content in held.items():
            blocks.put(name, content)
        asked = [*reversed(held), ABSENT, *held, ABSENT]
        got = [(name, content and bytes(content)) for name, content in blocks.get_many(asked)]
        assert got == [(name, held.get(name)) for name in asked]

    def test_whoever_takes_only_some_of_many_leaves_the_place_as_it_was(
        self, blocks: Blocks
    ) -> None:
        held = dict(a_block(number) for number in range(40))
        for name, content in held.items():
            blocks.put(name, content)
        for _ in range(3):
            assert next(iter(blocks.get_many(list(held))))[0] == next(iter(held))
        assert len(list(blocks.get_many(list(held)))) == len(held)

    def test_what_is_dropped_is_gone_and_the_rest_stays(self, blocks: Blocks) -> None:
        (gone, _), (kept, content) = a_block(1), a_block(2)
        for number in (1, 2):
            blocks.put(*a_block(number))
        blocks.drop(gone)
        assert list(blocks.sizes()) == [kept]
        with pytest.raises(MissingBlock, match=gone):
            blocks.get(gone)
        assert bytes(blocks.get(kept)) == content

    def test_no_byte_of_what_is_dropped_is_left_in_any_file(self, blocks: Blocks) -> None:
        name = block_name(ROOT, [1])
        body = FORGOTTEN.encode() * 1000
        blocks.put(*a_block(2))
        blocks.put(name, packed(name, body, codec="raw", tokens=1, layout=LAYOUT))
        blocks.drop(name)
        assert_gone(self.files(), [FORGOTTEN])
        self.reopened(blocks)
        assert_gone(self.files(), [FORGOTTEN])

    def test_dropping_what_is_absent_is_no_error(self, blocks: Blocks) -> None:
        blocks.drop(ABSENT)
        assert dict(blocks.sizes()) == {}

    @pytest.mark.parametrize("how", DAMAGES)
    def test_damage_is_never_served_and_mended_by_another_put(
        self, blocks: Blocks, how: str
    ) -> None:
        (name, content), (other, whole) = a_block(1), a_block(2)
        blocks.put(name, content)
        blocks.put(other, whole)
        self.spoil(blocks, name, DAMAGES[how](self.raw(blocks, name)))
        with pytest.raises(CorruptionError, match=name) as caught:
            blocks.get(name)
        assert caught.value.hint
        got = [(one, found and bytes(found)) for one, found in blocks.get_many([name, other])]
        assert got == [(name, None), (other, whole)]
        blocks.put(name, content)
        assert bytes(blocks.get(name)) == content

    def test_one_block_cannot_stand_in_the_place_of_another(self, blocks: Blocks) -> None:
        (name, _), (other, _) = a_block(1), a_block(2)
        for number in (1, 2):
            blocks.put(*a_block(number))
        self.spoil(blocks, name, self.raw(blocks, other))
        with pytest.raises(CorruptionError, match=name):
            blocks.get(name)

    def test_what_is_no_block_of_that_name_is_not_put(self, blocks: Blocks) -> None:
        (name, content), (_, other) = a_block(1), a_block(2)
        blocks.put(name, content)
        for wrong in (other, b"", content[:-1], content + b"\0"):
            with pytest.raises(CorruptionError, match=name):
                blocks.put(name, wrong)
        assert bytes(blocks.get(name)) == content

    @pytest.mark.parametrize("wrong", WRONG_NAMES)
    def test_what_is_no_name_is_refused(self, blocks: Blocks, wrong: str) -> None:
        for call in (blocks.get, blocks.drop, lambda name: list(blocks.get_many([name]))):
            with pytest.raises(BadInput):
                call(wrong)
        with pytest.raises(BadInput):
            blocks.put(wrong, a_block(1)[1])

    def test_everything_is_there_after_reopening(self, blocks: Blocks) -> None:
        (kept, content), (gone, _) = a_block(1), a_block(2)
        for number in (1, 2):
            blocks.put(*a_block(number))
        blocks.drop(gone)
        before = dict(blocks.sizes())
        again = self.reopened(blocks)
        assert dict(again.sizes()) == before
        assert list(before) == [kept]
        assert bytes(again.get(kept)) == content

    def test_threads_never_get_what_nobody_has_put(self, blocks: Blocks) -> None:
        names = [a_block(number)[0] for number in range(_SHARED)]
        wrong: list[object] = []

        def watched(seed: int) -> None:
            try:
                wrong.extend(_worked(blocks, seed))
            except Exception as error:  # noqa: BLE001 - told by the test
                wrong.append(error)

        threads = [threading.Thread(target=watched, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        there = {name for name, content in blocks.get_many(names) if content is not None}
        assert set(blocks.sizes()) == there


_SHARED = 6
"""Blocks that all threads put, drop and get; each has two bodies."""


def _worked(blocks: Blocks, seed: int) -> list[str]:
    """Put, drop and get at random; the names of blocks that came with what nobody has put."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    known = {number: [a_block(number, seed=one)[1] for one in (0, 1)] for number in range(_SHARED)}
    names = {a_block(number)[0]: number for number in known}
    wrong: list[str] = []
    for _ in range(40):
        name, number = chance.choice(list(names.items()))
        match chance.randrange(4):
            case 0 | 1:
                blocks.put(name, chance.choice(known[number]))
            case 2:
                blocks.drop(name)
            case _:
                got = [(one, some) for one, some in blocks.get_many(list(names)) if some]
                wrong += [one for one, some in got if bytes(some) not in known[names[one]]]
    return wrong
