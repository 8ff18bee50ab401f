"""Side memories: a change of one matrix, for texts that an activation router lets it serve.

WISE (Wang et al., 2024, arXiv 2405.14768) keeps a second copy W' of one feed-forward value matrix W
and edits that; a text is read with W' where ||A(x) (W' - W)|| exceeds a threshold, A(x) being the
matrix's input, and a margin in the loss keeps the two sorts of texts apart. Edits come in shards,
each written into a random share of the matrix, and the shards are merged by TIES.

It departs from the paper in these:

- Which texts it serves is decided by the router of all adapters, from activations as well, but from
  those of a block that nothing has changed (``memos.kinds.routing``): so it is decided once, before
  the text is read, and is the same in any batch and after any cut.
- What it does to other texts is held still by the divergence from the model as it is, as for every
  other adapter, and not by a margin: the router can err.
- All that is learnt at once may change the whole matrix; shards change a share of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from memos.cube import SideMemory
from memos.errors import BadInput, CorruptionError, NotSupported
from memos.models import ties
from memos.models.adapter_wire import Packet, require_float
from memos.models.hooks import Hook, hooked
from memos.models.lora import depth, linear, linear_modules
from memos.models.trainee import HeldByDivergence
from memos.models.upper_blocks import can_be_cut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import torch

    from memos.models.lesson import Lesson
    from memos.ports.runtime import Recipe

_HEIGHT = 2 / 3
"""Which share of the blocks lies below the one that is changed."""
_TRIM = 0.5
"""The share of the matrix that a shard may bring into the merged change; the paper's is 0.53."""
_DELTA = "side.delta"
_SEEDS = 1_000_003
"""Between the seeds of two trainings there is room for those of the first one's shards."""


@dataclass(frozen=True, slots=True)
class LoadedSide:
    """A change of one matrix."""

    adapter: SideMemory
    change: torch.Tensor
    """[out, in]: W' - W."""
    ahead: int = 0

    def added(self, _: Any, inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> torch.Tensor:
        """The module's output for these inputs."""
        return out + (inputs[0].to(self.change.dtype) @ self.change.mT).to(out.dtype)


@dataclass(slots=True)
class SideTrainee(HeldByDivergence):
    """A side memory in training: shard after shard, each from nothing."""

    target: str
    first: int
    stages: Sequence[range]
    density: float
    seed: int
    change: torch.Tensor
    """[out, in], of the shard that is being learnt."""
    _share: torch.Tensor = field(init=False)
    """[out, in]: true where that shard may change the matrix."""
    _ended: list[torch.Tensor] = field(default_factory=list)
    """The changes of the shards that were learnt."""

    @property
    def weights(self) -> list[torch.Tensor]:
        """What is trained."""
        return [self.change]

    @property
    def adapter(self) -> SideMemory:
        """Its shape."""
        return SideMemory(
            target=self.target,
            shards=len(self.stages),
            density=self.density,
            parameters=self.change.numel(),
        )

    def worn(self, model: Any) -> AbstractContextManager[None]:
        """Put it on a model; afterwards the model is as it was."""
        return hooked([Hook(model.get_submodule(self.target), self._added)])

    def begin(self, stage: int) -> None:
        """Draw the share of the matrix that a shard may change."""
        import torch

        random = torch.Generator().manual_seed(self.seed * _SEEDS + stage)
        drawn = torch.rand(self.change.shape, generator=random) < self.density
        self._share = drawn.to(self.change.device)
        with torch.no_grad():
            self.change.zero_()

    def end(self, stage: int) -> None:  # noqa: ARG002
        """Keep what a shard has learnt."""
        self._ended.append((self.change * self._share).detach())

    def ended(self) -> Mapping[str, torch.Tensor]:
        """The changes of the shards that were learnt."""
        return {f"{n}.change": change for n, change in enumerate(self._ended)}

    def resume(self, ended: Mapping[str, torch.Tensor]) -> None:
        """Take up what :meth:`ended` gave."""
        self._ended = [ended[f"{n}.change"].to(self.change) for n in range(len(ended))]

    def packet(self) -> Packet:
        """What its bytes are made of: the shards merged."""
        shape = self.adapter.model_dump(include={"target", "shards", "density"})
        several = len(self._ended) > 1
        change = ties.merged(self._ended, _TRIM) if several else self._ended[0]
        return Packet("side", shape, {_DELTA: change})

    def _added(self, _: Any, inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> torch.Tensor:
        added = inputs[0].to(self.change.dtype) @ (self.change * self._share).mT
        return out + added.to(out.dtype)


@dataclass(frozen=True, slots=True)
class _OfRows:
    """What a side memory does to some rows of a batch."""

    side: LoadedSide
    rows: torch.Tensor

    def __call__(self, _: Any, inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> Any:
        """Forward hook of the matrix."""
        changed = self.side.added(_, (inputs[0][self.rows],), out[self.rows])
        return out.index_copy(0, self.rows, changed)


def trainee(model: Any, lesson: Lesson, recipe: Recipe) -> SideTrainee:
    """A side memory to be trained, which changes nothing yet.

    Raises:
        BadInput: no shards are of such a size, or no share of a matrix is such.
        NotSupported: the model has no matrix that could be changed.
    """
    import torch

    if recipe.shard < 0 or not 0 < recipe.density <= 1:
        message = f"shards of {recipe.shard} examples in {recipe.density} of the matrix"
        raise BadInput(message, hint="0 for one shard of all; a density above 0, up to 1")
    name, module = value_matrix(model)
    block = depth(name)
    tokens = lesson.examples[0].tokens
    first = block if block and can_be_cut(model, block, tokens) else 0
    count = len(lesson.examples)
    size = recipe.shard or count
    weight = module.weight
    change = torch.zeros(weight.shape, device=weight.device, requires_grad=True)
    return SideTrainee(
        target=name,
        first=first,
        stages=[range(start, min(start + size, count)) for start in range(0, count, size)],
        density=recipe.density if recipe.shard else 1.0,
        seed=recipe.seed,
        change=change,
    )


def value_matrix(model: Any) -> tuple[str, Any]:
    """The matrix by which a feed-forward layer, two thirds up, writes what it has found.

    Raises:
        NotSupported: the model has no such linear layer.
    """
    found = linear_modules(model, 0)
    blocks = 1 + max(map(depth, found), default=0)
    width = model.config.get_text_config().hidden_size
    inside = [
        (name, module)
        for name, module in found.items()
        if depth(name) == int(blocks * _HEIGHT)
        and module.out_features == width < module.in_features
    ]
    if not inside:
        raise NotSupported(
            f"no matrix of {model.config.model_type} is known to take a side memory",
            hint="train a LoRA, or use a model whose feed-forward layers are linear layers",
        )
    return inside[-1]  # attention may be wider than the model, too, but stands before


def read(packet: Packet, model: Any) -> LoadedSide:
    """The side memory that a :class:`SideTrainee` gave.

    Raises:
        CorruptionError: it does not fit the model.
    """
    if set(packet.tensors) != {_DELTA}:
        raise CorruptionError(f"a side memory is {_DELTA} alone, not {sorted(packet.tensors)}")
    shape, change = packet.shape, packet.tensors[_DELTA]
    target = linear(model, str(shape.get("target")))
    require_float(_DELTA, change, (target.out_features, target.in_features))
    try:
        adapter = SideMemory.model_validate({**shape, "parameters": change.numel()})
    except ValidationError as error:
        raise CorruptionError(f"the shape of a side memory is none: {dict(shape)}") from error
    return LoadedSide(adapter, change)


def hooks(model: Any, rows: Sequence[int] | None, sides: Sequence[LoadedSide]) -> list[Hook]:
    """By which each of some rows uses its side memory; without rows, all use the only one."""
    import torch

    if rows is None:
        return [Hook(model.get_submodule(side.adapter.target), side.added) for side in sides]
    places: dict[int, tuple[LoadedSide, list[int]]] = {}
    for row, side in zip(rows, sides, strict=True):
        places.setdefault(id(side), (side, []))[1].append(row)
    return [
        Hook(
            model.get_submodule(side.adapter.target),
            _OfRows(side, torch.tensor(found, device=side.change.device)),
        )
        for side, found in places.values()
    ]
