"""Disks of a test's own: tiny ones, and views that may only be read. Root may mount them."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def mounted(*words: str) -> None:
    """Mount something, or skip where that is not permitted."""
    program = shutil.which("mount")
    if program is None or os.geteuid() != 0:
        pytest.skip("only root may mount")
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)  # noqa: S603 - words of a test
    if done.returncode:
        pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")


@contextmanager
def tiny_disk(place: Path) -> Iterator[Path]:
    """A disk of 2 MiB in a folder that is made for it."""
    place.mkdir()
    mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place))
    try:
        yield place
    finally:
        _unmount(place)


@contextmanager
def read_only(folder: Path, place: Path) -> Iterator[Path]:
    """A folder as it is seen where it may only be read, in a place that is made for it."""
    place.mkdir()
    mounted("--bind", str(folder), str(place))
    try:
        mounted("-o", "remount,ro,bind", str(place))
        yield place
    finally:
        _unmount(place)


def _unmount(place: Path) -> None:
    program = shutil.which("umount")
    assert program is not None
    subprocess.run([program, str(place)], check=True)  # noqa: S603 - a folder of a test
