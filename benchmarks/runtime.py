"""The language model that the settings name, as every benchmark opens it."""

from __future__ import annotations

from pathlib import Path

from memos.config import load
from memos.models.runtime_torch import TorchRuntime


def configured_runtime() -> TorchRuntime:
    """The runtime; it loads its model when it is first asked."""
    settings = load().settings
    return TorchRuntime(
        settings.runtime.model,
        cache_folder=Path(settings.cache) / "models",
        device=settings.runtime.device,
        dtype=settings.runtime.dtype,
    )
