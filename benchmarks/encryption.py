"""What encryption at rest costs: adding, searching, and blobs, plain beside encrypted.

    python -m benchmarks.encryption [--memories 8000] [--searches 200] [--blob-mib 64]

Every batch and every question goes to all the stores in turn, each time another one first, so that
whatever else the machine does meets them alike. The embedder is the hash one, which costs next to
nothing: with a real one the shares are smaller. The plain store is measured with Chroma, its
default, and with the exact index, which can be encrypted; the last column compares with the latter.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.machine import machine
from benchmarks.throughput import PLACES, REASONS, VERBS, Clocked, texts
from memos import MemOS
from memos.config import (
    KEY_VARIABLE,
    EmbedderSettings,
    EncryptionSettings,
    Settings,
    VectorsSettings,
)
from memos.stores.blobs_files import FileBlobs
from memos.stores.blobs_sealed import SealedBlobs
from memos.stores.files import Files
from memos.stores.keys import MasterKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.ports.blobs import Blobs

BATCH = 256
OPENINGS = 20


def settings(vectors: str, key_from: str) -> Settings:
    """Settings of one of the stores."""
    return Settings(
        embedder=EmbedderSettings(backend="hash"),
        vectors=VectorsSettings(backend=vectors),
        encryption=EncryptionSettings.model_validate({"key_from": key_from}),
    )


STORES = {
    "plain, chroma": settings("chroma", "none"),
    "plain, exact": settings("exact", "none"),
    "encrypted": settings("auto", "env"),
}


def turned(stores: dict[str, MemOS], number: int) -> list[tuple[str, MemOS]]:
    """The stores, each time another one first."""
    listed = list(stores.items())
    first = number % len(listed)
    return listed[first:] + listed[:first]


def add_all(stores: dict[str, MemOS], said: list[str]) -> dict[str, Clocked]:
    """Every batch to every store in turn."""
    clocks = {name: Clocked() for name in stores}
    for start in range(0, len(said), BATCH):
        for name, mem in turned(stores, start // BATCH):
            batch = [{"content": text} for text in said[start : start + BATCH]]
            with clocks[name]:
                mem.add(batch, user_id="bench")
    return clocks


def each_alone(
    stores: dict[str, MemOS], said: list[str], act: Callable[[MemOS, str], object]
) -> dict[str, Clocked]:
    """``act`` with every text on every store in turn."""
    clocks = {name: Clocked() for name in stores}
    for number, text in enumerate(said):
        for name, mem in turned(stores, number):
            with clocks[name]:
                act(mem, text)
    return clocks


def add(mem: MemOS, text: str) -> object:
    """Add one remark."""
    return mem.add(text, user_id="bench")


def ask(mem: MemOS, text: str) -> object:
    """Ask one question."""
    return mem.search(text, user_id="bench", k=10)


def opened(folder: Path) -> dict[str, Clocked]:
    """Every store opened and closed again, some times in turn."""
    clocks = {name: Clocked() for name in STORES}
    for _ in range(OPENINGS):
        for name, chosen in STORES.items():
            with clocks[name], MemOS.open(folder / name, settings=chosen):
                pass
    return clocks


def row(what: str, clocks: dict[str, Clocked], kind: str = "cpu") -> str:
    """Median milliseconds of each store, and what encryption adds."""
    medians = {name: np.median(getattr(clock, kind)) * 1000 for name, clock in clocks.items()}
    factor = medians["encrypted"] / medians["plain, exact"]
    shown = " | ".join(f"{each:.1f}" for each in medians.values())
    return f"| {what}, {kind} | {shown} | {factor:.2f} |"


def blobs_row(folder: Path, size: int) -> None:
    """Put and get of one large blob, plain and encrypted in turn."""
    keys = {"content_key": secrets.token_bytes(32), "name_key": secrets.token_bytes(32)}
    stores: dict[str, Blobs] = {
        "plain": FileBlobs(folder / "plain"),
        "encrypted": SealedBlobs(Files(folder / "sealed"), **keys),
    }
    spent: dict[tuple[str, str], list[float]] = {}
    for _ in range(5):
        content = os.urandom(size)
        for name, blobs in stores.items():
            started = time.process_time()
            digest = blobs.put(content)
            halfway = time.process_time()
            blobs.get(digest)
            spent.setdefault(("put", name), []).append(halfway - started)
            spent.setdefault(("get", name), []).append(time.process_time() - halfway)
            blobs.drop(digest)
    print(
        f"\n| a blob of {size >> 20} MiB, CPU ms | plain | encrypted | factor |\n|---|---|---|---|"
    )
    for what in ("put", "get"):
        plain, sealed = (float(np.median(spent[what, name])) * 1000 for name in stores)
        print(f"| {what} | {plain:.0f} | {sealed:.0f} | {sealed / plain:.2f} |")


def size_of(folder: Path) -> float:
    """MiB of all files in it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=8000)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--blob-mib", type=int, default=64)
    asked = parser.parse_args()
    print(machine())
    os.environ[KEY_VARIABLE] = MasterKey.fresh().text
    said = texts(asked.memories + 100)
    chance = random.Random(8)  # noqa: S311 - nothing secret
    questions = [
        f"who {chance.choice(VERBS)} {chance.choice(PLACES)} {chance.choice(REASONS)}?"
        for _ in range(asked.searches)
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stores = {name: MemOS.open(folder / name, settings=each) for name, each in STORES.items()}
        for mem in stores.values():
            mem.add("warm", user_id="warm")
        batches = add_all(stores, said[: asked.memories])
        singly = each_alone(stores, said[asked.memories :], add)
        each_alone(stores, questions[:5], ask)
        searches = each_alone(stores, questions, ask)
        for mem in stores.values():
            mem.close()
        print(f"\n| median ms | {' | '.join(stores)} | encrypted / plain, exact |")
        print("|---|---|---|---|---|")
        for what, clocks in (
            (f"adding {BATCH} at once", batches),
            ("adding one", singly),
            ("searching", searches),
            ("opening and closing", opened(folder)),
        ):
            print(row(what, clocks))
            print(row(what, clocks, "wall"))
        sizes = " | ".join(f"{size_of(folder / name):.1f}" for name in stores)
        print(f"| size, MiB | {sizes} | |")
        blobs_row(folder / "blobs", asked.blob_mib << 20)


if __name__ == "__main__":
    main()
