"""What a crash left on the shelves is removed with the next opening."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos.life.shelves import Shelves
    from memos.ports.ledger import Ledger
    from memos.ports.repairs import Repairs


def sweep_strays(repairs: Repairs, ledger: Ledger, shelves: Shelves) -> int:
    """Remove copies of blobs that nobody needs, and return how many there were.

    A process that is killed between a blob and its commit leaves one; kept, it would outlive the
    forgetting of what it was made from. Nothing else may be writing.

    Raises:
        CorruptionError: it cannot be told what is needed; nothing was removed.
    """
    strays = shelves.strays(repairs.referred(), ledger.places())
    for place, digest in strays:
        shelves.drop_at(place, digest)
    return len(strays)
