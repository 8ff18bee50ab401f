"""How near a question's tokens come to those of texts: from imprints to evidence, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memos.ports.imprint import nearest_tokens, width
from memos.retrieval.evidence import Met

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memos.ports.embedder import Asking
    from memos.ports.imprint import Imprint


def met(asking: Asking, ids: Sequence[str], imprints: Mapping[str, Imprint]) -> Met | None:
    """What is known of these texts; None where that is nothing."""
    if asking.tokens is None or not len(asking.tokens):
        return None
    fits = width(asking.tokens.shape[1])
    rows = [
        row for row, one in enumerate(ids) if one in imprints and imprints[one].shape[1] == fits
    ]
    if not rows:
        return None
    mark = np.zeros(asking.tokens.shape[1], np.float32) if asking.mark is None else asking.mark
    near = nearest_tokens(
        np.concatenate([asking.tokens, mark[None]]), [imprints[ids[row]] for row in rows]
    ).astype(np.float64)
    filled = np.tile(near.mean(axis=0), (len(ids), 1))
    filled[rows] = near
    return Met(tokens=filled[:, :-1], mark=filled[:, -1])
