"""A store in memory leaves no traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.ports.progress import Progress, silent
from memos.ports.traces import Search

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray


class MemoryTraces:
    """Has no files to look at."""

    def find(
        self,
        texts: Sequence[str],  # noqa: ARG002
        *,
        vectors: Sequence[NDArray[np.float32]] = (),  # noqa: ARG002
        living: Iterable[str] = (),  # noqa: ARG002
        progress: Progress = silent,  # noqa: ARG002
    ) -> Search:
        """Nothing."""
        return Search()
