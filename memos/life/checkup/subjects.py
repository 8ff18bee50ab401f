"""What a check looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memos.life.index import Index
    from memos.life.shelves import Shelves
    from memos.ports.aside import Aside
    from memos.ports.catalog import Catalog
    from memos.ports.journal import Journal
    from memos.ports.kv import Kv
    from memos.ports.ledger import Ledger
    from memos.ports.privacy import Privacy
    from memos.ports.repairs import Repairs


@dataclass(frozen=True, slots=True)
class Subjects:
    """Everything of a store that can be damaged."""

    catalog: Catalog
    repairs: Repairs
    ledger: Ledger
    journal: Journal
    shelves: Shelves
    index: Index
    kv: Kv
    privacy: Privacy | None = None
    """None where nothing lies on disk."""
    aside: Aside | None = None
    """None where there are no files to take out of the way."""
