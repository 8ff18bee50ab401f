"""Side memories: a change of one matrix that is used only where an activation says so.

WISE (Wang et al., 2024, arXiv 2405.14768) keeps a second copy W' of one feed-forward value matrix W
and edits that; it is used where ||A(x) (W' - W)|| exceeds a threshold, A(x) being the matrix's
input. Edits come in shards, each written into a random share of the matrix, and the shards are
merged by TIES. A margin in the loss keeps the two sorts of tokens apart.

It departs from the paper in these:

- The paper takes one decision for a text, from the activations of its tokens, and keeps to it
  while it answers. Here every token is decided for by itself, with nothing remembered: the same
  token gets the same output in any batch and after any cut. Trained upwards are therefore the
  tokens at which the answer is spoken alone; all others, those of the question too, are trained
  downwards.
- The paper's margins are numbers for one model. Here they are shares of the length that the
  matrix's own output usually has.
- The paper's threshold is the lowest activation of any edit. Here it is half way from there down to
  the highest of unrelated tokens, and a tenth below it where these are no lower.
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
from memos.models.upper_blocks import can_be_cut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    import torch

    from memos.models.lesson import Lesson
    from memos.models.packed import Packed
    from memos.ports.runtime import Recipe

_HEIGHT = 2 / 3
"""Which share of the blocks lies below the one that is changed."""
_STILL, _LOUD, _GAP = 0.1, 0.4, 0.2
"""The margins, as shares of the usual output: the paper's 5, 20 and 10 for its model."""
_TRIM = 0.5
"""The share of the matrix that a shard may bring into the merged change; the paper's is 0.53."""
_LEEWAY = 0.1
"""How far below the lowest activation of what was learnt the threshold lies at least."""
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
        """The module's output for these inputs; where the activation is low, to the last bit."""
        import torch

        added = inputs[0].to(self.change.dtype) @ self.change.mT
        over = (
            torch.linalg.vector_norm(added.float(), dim=-1, keepdim=True) >= self.adapter.threshold
        )
        return torch.where(over, out + added.to(out.dtype), out)


@dataclass(slots=True)
class SideTrainee:
    """A side memory in training: shard after shard, each from nothing."""

    target: str
    first: int
    usual: float
    """How long the matrix's own output usually is."""
    stages: Sequence[range]
    density: float
    seed: int
    change: torch.Tensor
    """[out, in], of the shard that is being learnt."""
    _share: torch.Tensor = field(init=False)
    """[out, in]: true where that shard may change the matrix."""
    _ended: list[tuple[torch.Tensor, float]] = field(default_factory=list)
    """Of each shard the change, and the lowest activation of what it has learnt."""
    _merged: torch.Tensor | None = None
    _threshold: float = 0.0
    _spoken: torch.Tensor = field(init=False)
    """[tokens], of what is read next: true where an answer is spoken."""
    _activations: torch.Tensor = field(init=False)
    """[tokens], of what was read last, as shares of the usual output."""
    _seen: list[tuple[torch.Tensor, torch.Tensor]] | None = None
    """Those two of all that is read, while that is wanted."""

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
            threshold=self._threshold,
            parameters=self.change.numel(),
        )

    def worn(self, model: Any) -> AbstractContextManager[None]:
        """Put it on a model, where answers are spoken; afterwards the model is as it was."""
        return hooked([Hook(model.get_submodule(self.target), self._added)])

    def begin(self, stage: int) -> None:
        """Draw the share of the matrix that a shard may change."""
        import torch

        random = torch.Generator().manual_seed(self.seed * _SEEDS + stage)
        drawn = torch.rand(self.change.shape, generator=random) < self.density
        self._share = drawn.to(self.change.device)
        with torch.no_grad():
            self.change.zero_()

    def reads(self, packed: Packed, learnt: int) -> None:
        """Be told where answers are spoken in what is read next."""
        self._spoken = packed.speaking(learnt)

    def moved(self, *_: Sequence[torch.Tensor]) -> torch.Tensor:
        """The margin loss: spoken answers above, all else below, and a gap between them."""
        import torch

        high, low = self._activations[self._spoken], self._activations[~self._spoken]
        gap = torch.relu(_GAP - (high.min() - low.max()))
        return torch.relu(low - _STILL).mean() + torch.relu(_LOUD - high).mean() + gap

    def end(self, stage: int, *, learnt: Callable[[], None], kept: Callable[[], None]) -> None:
        """Keep what a shard has learnt; behind the last one, merge them."""
        low = float(self._watched(learnt, spoken=True).min())
        self._ended.append(((self.change * self._share).detach(), low))
        if stage + 1 < len(self.stages):
            return
        changes = [change for change, _ in self._ended]
        self._merged = ties.merged(changes, _TRIM) if len(changes) > 1 else changes[0]
        unrelated = self._watched(kept, spoken=False)
        low = min(low for _, low in self._ended)
        high = float(unrelated.max()) if len(unrelated) else 0.0
        self._threshold = self.usual * (low - max((low - high) / 2, low * _LEEWAY))

    def ended(self) -> Mapping[str, torch.Tensor]:
        """The changes of the shards that were learnt, and their lowest activations."""
        import torch

        changes = {f"{n}.change": change for n, (change, _) in enumerate(self._ended)}
        lows = {
            f"{n}.low": torch.tensor(low, dtype=torch.float64)
            for n, (_, low) in enumerate(self._ended)
        }
        return {**changes, **lows}

    def resume(self, ended: Mapping[str, torch.Tensor]) -> None:
        """Take up what :meth:`ended` gave."""
        self._ended = [
            (ended[f"{n}.change"].to(self.change), float(ended[f"{n}.low"]))
            for n in range(len(ended) // 2)
        ]

    def packet(self) -> Packet:
        """What its bytes are made of."""
        shape = self.adapter.model_dump(include={"target", "shards", "density", "threshold"})
        return Packet("side", shape, {_DELTA: self._now})

    @property
    def _now(self) -> torch.Tensor:
        return self.change * self._share if self._merged is None else self._merged

    def _watched(self, read: Callable[[], None], *, spoken: bool) -> torch.Tensor:
        """The activations of the tokens at which answers are spoken, or of the others."""
        import torch

        self._seen = []
        read()
        found = [activations[there == spoken] for there, activations in self._seen]
        self._seen = None
        return torch.cat(found) if found else torch.zeros(0)

    def _added(self, _: Any, inputs: tuple[torch.Tensor, ...], out: torch.Tensor) -> torch.Tensor:
        import torch

        change = self._now
        added = inputs[0].to(change.dtype) @ change.mT
        self._activations = torch.linalg.vector_norm(added.float(), dim=-1)[0] / self.usual
        if self._seen is not None:
            self._seen.append((self._spoken, self._activations))
        return torch.where(self._spoken[None, :, None], out + added.to(out.dtype), out)


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
        usual=_usual(model, module, tokens),
        stages=[range(start, min(start + size, count)) for start in range(0, count, size)],
        density=recipe.density,
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


def _usual(model: Any, module: Any, tokens: Sequence[int]) -> float:
    """The median length of the matrix's output."""
    import torch

    lengths: list[torch.Tensor] = []

    def measure(_: Any, __: Any, out: torch.Tensor) -> None:
        lengths.append(torch.linalg.vector_norm(out.float(), dim=-1))

    ids = torch.tensor([list(tokens)], device=model.device)
    with torch.no_grad(), hooked([Hook(module, measure)]):
        model(input_ids=ids, use_cache=False)
    return float(lengths[0].median())


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
