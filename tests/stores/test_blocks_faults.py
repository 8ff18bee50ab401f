"""Blocks in files when processes are killed, files are damaged and disks are full."""

from __future__ import annotations

import random
import resource
import secrets
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from memos.errors import BackendError, CorruptionError, OutOfSpace
from memos.stores.blocks_files import BlockFiles
from memos.testing.blocks import BODY, a_block
from memos.testing.disks import read_only, tiny_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEYS = {"plain": None, "encrypted": secrets.token_bytes(32)}
BLOCKS = 5
KILLS = 20
SIZE = 300_000

WRITER = """
import sys
from pathlib import Path
from memos.stores.blocks_files import BlockFiles
from memos.testing.blocks import a_block
folder, key, seed, blocks, size = sys.argv[1:]
place = BlockFiles(Path(folder), cipher_key=bytes.fromhex(key) or None, reading="buffered")
known = {(n, s): a_block(n, int(size), seed=s) for n in range(int(blocks)) for s in range(2)}
print("ready", flush=True)
turn = int(seed)
while True:
    turn += 1
    number, version = turn % int(blocks), turn // int(blocks) % 2
    name, content = known[number, version]
    if turn % 7 == 0:
        place.drop(name)
        print(f"dropped {number} -", flush=True)
    else:
        place.put(name, content)
        print(f"put {number} {version}", flush=True)
"""


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest) -> bytes | None:
    return KEYS[request.param]


def opened(folder: Path, key: bytes | None = None) -> BlockFiles:
    return BlockFiles(folder, cipher_key=key, reading="buffered")


def only_file(folder: Path) -> Path:
    (path,) = (path for path in folder.glob("??/*") if path.is_file())
    return path


def killed(folder: Path, key: bytes | None, seed: int, after: float) -> list[str]:
    """Let a process put and drop blocks, and kill it; what it said that it had done."""
    words = [str(folder), (key or b"").hex(), str(seed), str(BLOCKS), str(SIZE)]
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    said = process.communicate()[0].splitlines()
    assert process.returncode == -signal.SIGKILL
    return said


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_every_block_whole_or_absent(
    tmp_path: Path, key: bytes | None
) -> None:
    chance = random.Random(5)  # noqa: S311 - no secret
    known = {(n, s): a_block(n, SIZE, seed=s)[1] for n in range(BLOCKS) for s in range(2)}
    names = [a_block(number)[0] for number in range(BLOCKS)]
    last: dict[int, str] = {}
    acknowledged = unfinished = 0
    for turn in range(KILLS):
        said = killed(tmp_path, key, turn * 3, chance.uniform(0.0, 0.05))
        acknowledged += len(said)
        for line in said:
            _, number, version = line.split()
            last[int(number)] = version
        parts = list(tmp_path.glob(".*.part"))
        unfinished += len(parts)
        place = opened(tmp_path, key)
        assert not any(part.exists() for part in parts)
        in_flight = (turn * 3 + 1 + len(said)) % BLOCKS
        for which, name in enumerate(names):
            versions = {known[which, one]: str(one) for one in range(2)}
            got = next(place.get_many([name]))[1]
            found = "-" if got is None else versions[bytes(got)]
            assert (got is None) == (name not in place.sizes())
            if which != in_flight:
                assert found == last.get(which, "-")
            last[which] = found
        place.close()
    assert acknowledged > KILLS
    assert unfinished > 0  # some were killed in the middle of a file


def test_a_file_that_ends_at_any_page_is_never_served(tmp_path: Path, key: bytes | None) -> None:
    place = opened(tmp_path, key)
    name, content = a_block(1, 40 * 4096 + 5)
    place.put(name, content)
    path = place.path(name)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 4096), *range(4096 - 3, 4096 + 3), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(CorruptionError, match=name):
            place.get(name)
        assert list(place.get_many([name, name])) == [(name, None)] * 2
    path.write_bytes(whole)
    assert bytes(place.get(name)) == content


@pytest.mark.parametrize("way", ["buffered", "direct", "mapped"])
def test_a_bit_that_is_flipped_anywhere_is_never_served(
    tmp_path: Path, key: bytes | None, way: Any
) -> None:
    place = BlockFiles(tmp_path, cipher_key=key, reading=way)
    name, content = a_block(1)
    place.put(name, content)
    path = place.path(name)
    whole = path.read_bytes()
    chance = random.Random(7)  # noqa: S311 - no secret
    places = {*range(80), 4095, 4096, len(whole) - 1, *chance.sample(range(len(whole)), 200)}
    for at in sorted(places):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(CorruptionError, match=name):
            place.get(name)
    path.write_bytes(whole)
    assert bytes(place.get(name)) == content


def test_files_that_have_changed_names_are_never_served(tmp_path: Path, key: bytes | None) -> None:
    place = opened(tmp_path, key)
    (one, first), (other, second) = a_block(1), a_block(2)
    place.put(one, first)
    place.put(other, second)
    aside = tmp_path / "aside"
    place.path(one).rename(aside)
    place.path(other).rename(place.path(one))
    aside.rename(place.path(other))
    assert list(place.get_many([one, other])) == [(one, None), (other, None)]
    again = opened(tmp_path, key)
    assert list(again.get_many([one, other])) == [(one, None), (other, None)]


@pytest.fixture
def short_files() -> Iterator[None]:
    """No file of this process may be longer than 64 KiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


def test_a_file_that_may_not_grow_is_out_of_space_and_nothing_is_changed(
    tmp_path: Path, key: bytes | None, short_files: None
) -> None:
    place = opened(tmp_path, key)
    name, content = a_block(1)
    place.put(name, content)
    sizes = place.sizes()
    for number in (1, 2):
        big = a_block(number, 100_000, seed=1)
        with pytest.raises(OutOfSpace, match=big[0]) as caught:
            place.put(*big)
        assert caught.value.hint
    assert place.sizes() == sizes
    assert bytes(place.get(name)) == content
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [place.path(name)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with tiny_disk(tmp_path / "disk") as place:
        yield place


@pytest.mark.parametrize("way", ["auto", "buffered", "direct", "mapped"])
def test_a_full_disk_is_out_of_space_and_what_was_put_stays(
    small_disk: Path, key: bytes | None, way: Any
) -> None:
    place = BlockFiles(small_disk / "blocks", cipher_key=key, reading=way)
    held: dict[str, bytes] = {}

    def fill() -> None:
        for number in range(100):
            name, content = a_block(number, 100_000)
            place.put(name, content)
            held[name] = content

    with pytest.raises(OutOfSpace, match="No space left"):
        fill()
    assert len(held) > 10
    assert set(place.sizes()) == set(held)
    assert dict(place.get_many(list(held))) == held
    assert not list(small_disk.rglob("*.part"))
    first = next(iter(held))
    with pytest.raises(OutOfSpace):  # what is replaced stays, too
        place.put(*a_block(0, 400_000, seed=1))
    assert bytes(place.get(first)) == held[first]
    place.drop(first)
    place.put(*a_block(1000, BODY))
    place.close()


def test_a_folder_that_may_only_be_read_is_read(tmp_path: Path, key: bytes | None) -> None:
    folder = tmp_path / "blocks"
    name, content = a_block(1)
    opened(folder, key).put(name, content)
    with read_only(folder, tmp_path / "seen") as seen:
        place = BlockFiles(seen, cipher_key=key)
        assert place.reading == "buffered"
        assert bytes(place.get(name)) == content
        calls: tuple[Callable[[], None], ...] = (
            lambda: place.put(*a_block(2)),
            lambda: place.drop(name),
        )
        for call in calls:
            with pytest.raises(BackendError, match="Read-only") as caught:
                call()
            assert not isinstance(caught.value, OutOfSpace)
        assert list(place.sizes()) == [name]
