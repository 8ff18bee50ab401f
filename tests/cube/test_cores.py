"""A search multiplies on one core, and leaves the process as it was."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np  # noqa: F401 - what is limited is its library
import pytest
from threadpoolctl import ThreadpoolController

from memos.ports.cores import one_core

if TYPE_CHECKING:
    from collections.abc import Iterator


def threads() -> list[int]:
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    return [each.num_threads for each in libraries]


@pytest.fixture
def before() -> Iterator[list[int]]:
    """Two threads for numpy, whatever this machine has."""
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        found = threads()
        if 2 not in found:
            pytest.skip("numpy's matrix library here has no threads")
        yield found


def test_within_there_is_one_thread_and_afterwards_as_many_as_before(before: list[int]) -> None:
    with one_core():
        assert set(threads()) == {1}
        with one_core():
            assert set(threads()) == {1}
        assert set(threads()) == {1}
    assert threads() == before


def test_an_error_leaves_nothing_behind(before: list[int]) -> None:
    with pytest.raises(ValueError, match="inside"), one_core():
        raise ValueError("inside")
    assert threads() == before


def test_whoever_leaves_first_takes_nothing_from_those_who_are_still_in(
    before: list[int],
) -> None:
    both_in, first_out = threading.Barrier(2), threading.Event()

    def first() -> None:
        with one_core():
            both_in.wait(10)
        first_out.set()

    def second() -> set[int]:
        with one_core():
            both_in.wait(10)
            assert first_out.wait(10)
            return set(threads())

    with ThreadPoolExecutor(2) as pool:
        left, stayed = pool.submit(first), pool.submit(second)
        left.result()
        assert stayed.result() == {1}
    assert threads() == before


def test_a_library_that_comes_later_is_kept_to_one_thread_too() -> None:
    told = subprocess.run(
        [sys.executable, "-c", _LATER], check=False, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr


_LATER = """
import numpy
from threadpoolctl import ThreadpoolController
from memos.ports.cores import one_core

with one_core():
    pass
import scipy.linalg

def found():
    return ThreadpoolController().select(user_api="blas").lib_controllers

with ThreadpoolController().limit(limits=2, user_api="blas"), one_core():
    assert {each.num_threads for each in found()} == {1}, found()
"""
