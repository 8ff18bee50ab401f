"""Which model a folder holds, as a fingerprint that two different models never share."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos.cube import Fingerprint
from memos.cube.identity import canonical, digest_of
from memos.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIDECAR = "digests.json"


def fingerprint_of(
    folder: Path, config: Any, *, name: str, template: str, dtype: str, cache_folder: Path
) -> Fingerprint:
    """The fingerprint of the model in ``folder``; ``config`` is its transformers configuration.

    Raises:
        BackendError: the folder holds no weights in the safetensors format.
    """
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise BackendError(
            f"{folder} holds no weights in the safetensors format",
            hint="other formats can run code when they are read; convert the model",
        )
    words = sorted(folder.glob("tokenizer.*"))
    architectures = getattr(config, "architectures", None) or [config.model_type]
    rope = getattr(config.get_text_config(), "rope_parameters", None) or {}
    return Fingerprint(
        name=name,
        architecture=architectures[0],
        weights=_digest(weights, cache_folder),
        tokenizer=digest_of((_digest(words, cache_folder) + template).encode()),
        dtype=dtype,
        rope=canonical(rope).decode(),
    )


def _digest(files: Sequence[Path], cache_folder: Path) -> str:
    """The SHA-256 over the SHA-256 of each file; a file is read again only if it has changed."""
    known = _recall(cache_folder)
    fresh = {}
    for file in files:
        status = file.stat()
        key = f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}"
        fresh[key] = known.get(key) or _sha256(file)
    if not fresh.items() <= known.items():
        _note(cache_folder, known | fresh)
    return digest_of("".join(fresh.values()).encode())


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _recall(cache_folder: Path) -> dict[str, str]:
    try:
        known = json.loads((cache_folder / _SIDECAR).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}  # it only saves time: without it, the files are read
    return known if isinstance(known, dict) else {}


def _note(cache_folder: Path, known: dict[str, str]) -> None:
    cache_folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_SIDECAR, dir=cache_folder)
    with os.fdopen(handle, "w") as stream:
        json.dump(known, stream)
    Path(name).replace(cache_folder / _SIDECAR)
