"""An embedding model's weights by name, read without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from memos.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_READABLE = {"F32", "F16"}
_HINT = "look whether its files are whole"


class EncoderWeights:
    """The weights in the safetensors files of a folder; each is read when it is taken."""

    def __init__(self, folder: Path, *, prefix: str) -> None:
        """Look what there is.

        Args:
            folder: where the files lie.
            prefix: what may stand before a name, such as ``bert.``.

        Raises:
            BackendError: a file is not whole.
        """
        self._folder = folder
        self._files: dict[str, tuple[Path, str]] = {}
        for path in sorted(folder.glob("*.safetensors")):
            for name in self._names(path):
                self._files[name.removeprefix(prefix)] = path, name

    def take(self, name: str, *sizes: int) -> NDArray[np.float32]:
        """The weight of that name, float32 [sizes].

        Raises:
            BackendError: there is none, it has another shape, or it is of a type that is not read.
        """
        if name not in self._files:
            raise self._wrong(f"{name} is missing")
        path, written = self._files[name]
        from safetensors import safe_open

        with safe_open(path, framework="numpy") as file:
            found = file.get_slice(written)
            if tuple(found.get_shape()) != sizes:
                raise self._wrong(f"{name} is {found.get_shape()} where {list(sizes)} is declared")
            if found.get_dtype() not in _READABLE:
                raise self._wrong(f"{name} is of type {found.get_dtype()}")
            weight: NDArray[np.float32] = file.get_tensor(written).astype(np.float32, copy=False)
        return weight

    def _names(self, path: Path) -> list[str]:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                return list(file.keys())
        except (OSError, SafetensorError) as error:
            raise self._wrong(f"{path.name} cannot be read: {error}") from error

    def _wrong(self, why: str) -> BackendError:
        return BackendError(f"the embedding model in {self._folder}: {why}", hint=_HINT)
