"""Keys are read once, kept within a bound, and let go."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from memos.errors import CorruptionError
from memos.kinds.route_keys import CENTRE, KEYS, keys_in, with_keys
from memos.kinds.route_keys import NAMES as NAMES_IN
from memos.kinds.routing import Keys, Names
from memos.life.keys_at_hand import KeysAtHand
from memos.stores.blobs_memory import MemoryBlobs
from memos.testing.derived import safetensors

NAMES = Names(("Zoë", "the user"), ("Łódź",))


def content(number: int) -> bytes:
    rows = np.full((4, 8), number, np.float32)
    return with_keys(safetensors({}), Keys(np.zeros(8, np.float32), rows, 0.5))


def test_they_are_read_once_and_those_that_were_not_asked_for_longest_go_first() -> None:
    blobs = MemoryBlobs()
    digests = [blobs.put(content(number)) for number in range(3)]
    keys = KeysAtHand(blobs, most_bytes=2 * (4 * 8 + 8) * 4)
    first = keys.of(digests[0], 0.7)
    assert (first.threshold, first.rows.shape, float(first.rows[0, 0])) == (0.7, (4, 8), 0.0)
    keys.of(digests[1], 0.5)
    assert keys.of(digests[0], 0.7) is first
    keys.of(digests[2], 0.5)
    assert [keys.holds(one) for one in digests] == [True, False, True]
    keys.release(digests)
    assert not any(keys.holds(one) for one in digests)


def test_one_is_kept_however_large_it_is() -> None:
    blobs = MemoryBlobs()
    keys = KeysAtHand(blobs, most_bytes=1)
    digest = blobs.put(content(1))
    keys.of(digest, 0.5)
    assert keys.holds(digest)


def test_a_blob_without_keys_is_an_error() -> None:
    blobs = MemoryBlobs()
    keys = KeysAtHand(blobs)
    with pytest.raises(CorruptionError):
        keys.of(blobs.put(safetensors({})), 0.5)


def test_names_are_kept_with_them_letter_for_letter() -> None:
    told = Keys(np.zeros(2, np.float32), np.ones((1, 2), np.float32), 0.5, NAMES)
    read = keys_in(with_keys(safetensors({}), told), 0.5)
    assert read.names == NAMES
    assert read.names.within("Zoë\u2019s \u201cMoon\u201d is in Łódź.") == Names(
        ("Zoë",), ("Łódź",)
    )


def test_an_adapter_from_before_names_were_kept_has_none() -> None:
    rows = {KEYS: np.ones((1, 2), np.float32), CENTRE: np.zeros(2, np.float32)}
    assert keys_in(save(rows), 0.5).names == Names()


@pytest.mark.parametrize("harm", [b"", b"{", b"[]", b"[1, 2]", b'["a"]'], ids=repr)
def test_harmed_names_are_refused(harm: bytes) -> None:
    there: dict[str, Any] = {
        KEYS: np.ones((1, 2), np.float32),
        CENTRE: np.zeros(2, np.float32),
        NAMES_IN: np.frombuffer(harm, np.uint8),
    }
    with pytest.raises(CorruptionError, match="which questions"):
        keys_in(save(there), 0.5)
