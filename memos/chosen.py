"""The models that settings name, and what is asked of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from memos.errors import BadSetting
from memos.governance.redaction import Redaction
from memos.kinds.examination import Demands
from memos.life.schooling import Schooling
from memos.models.kv_shared import SharedShelf
from memos.models.kv_shelf import Shelf
from memos.models.kv_tiers import Budgets, Tiers
from memos.plugins import find
from memos.scheduler.policies import policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.config import Settings
    from memos.ports.blocks import Blocks
    from memos.ports.embedder import Embedder
    from memos.ports.eviction import Eviction
    from memos.ports.progress import Progress
    from memos.ports.redactor import Redactor
    from memos.ports.runtime import Runtime


def embedder_of(settings: Settings) -> Embedder:
    """The embedder that the settings name; its model is loaded with the first text.

    Raises:
        BadSetting: the embedder has no such precision.
        UnknownBackend: there is none of that name.
    """
    chosen = settings.embedder
    name = chosen.backend
    if name == "auto":  # one model, and its vectors have one name: a store takes either
        name = "onnx" if chosen.model == "minilm" else "sentence"
    backend = find("embedder", name)
    if chosen.precision != "float32" and name != "onnx":
        message = f"the embedder {name!r} has no precision {chosen.precision!r}"
        raise BadSetting(message, hint='embedder.backend = "onnx" has it')
    if name == "onnx":
        made: Embedder = backend(chosen.model, batch=chosen.batch, precision=chosen.precision)
    elif name == "sentence":
        made = backend(chosen.model, batch=chosen.batch)
    else:
        made = backend()
    return made


def kv_of(
    settings: Settings,
    disk: Callable[[], Blocks] | None = None,
    there: Callable[[], bool] = lambda: False,
    shared: Callable[[], Blocks] | None = None,
) -> Tiers:
    """The places of blocks of attention state, with the budgets that the settings name.

    ``disk`` opens the place on disk, when it is first needed; ``there`` says whether there is one.
    ``shared`` connects to a server that other machines use as well.

    Raises:
        UnknownBackend: there is no such eviction policy.
    """
    chosen = settings.kv
    policy(chosen.policy, 0)  # a name that is none is told at once

    def make(budget_bytes: int) -> Eviction:
        return policy(chosen.policy, budget_bytes)

    shelf = None
    if disk is not None:
        shelf = Shelf(
            disk,
            budget_bytes=chosen.disk,
            policy=make(chosen.disk),
            codec=chosen.codec,
            there=there,
        )
    return Tiers(
        Budgets(gpu=chosen.gpu, ram=chosen.ram, ram_codec=chosen.ram_codec),
        policy=make,
        disk=shelf,
        shared=None if shared is None else SharedShelf(shared, codec=chosen.codec),
    )


def runtime_of(settings: Settings, kv: Tiers, progress: Progress) -> Runtime:
    """The language model that the settings name; it is loaded when it is first needed."""
    chosen = settings.runtime
    runtime: Runtime = find("runtime", chosen.backend)(
        chosen.model,
        cache_folder=Path(settings.cache).expanduser() / "models",
        device=chosen.device,
        dtype=chosen.dtype,
        kv=kv,
        block_tokens=settings.kv.block_tokens,
        progress=progress,
    )
    return runtime


def redaction_of(settings: Settings) -> Redaction:
    """How sensitive memories are shown to those who may not see them whole."""
    chosen = settings.redaction

    def make() -> Redactor:
        backend = find("redactor", chosen.backend)
        known = {"regions": chosen.regions} if chosen.backend == "detectors" else {}
        redactor: Redactor = backend(**known)
        return redactor

    return Redaction(make, chosen.levels)


def schooling_of(settings: Settings) -> Schooling:
    """What a parametric cube must reach, and how it is trained."""
    training = settings.training
    demands = Demands(training.required_recall, training.allowed_drift, training.allowed_leak)
    return Schooling(demands, training.seed, training.steps)
