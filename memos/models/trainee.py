"""An adapter in training, whatever its method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from memos.models.losses import divergence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    import torch

    from memos.cube import AnyAdapter
    from memos.models.adapter_wire import Packet


class Trainee(Protocol):
    """An adapter in training: in one stage, or in several that learn different examples."""

    @property
    def weights(self) -> list[torch.Tensor]:
        """What is trained."""
        ...

    @property
    def first(self) -> int:
        """The first of the model's blocks that it changes."""
        ...

    @property
    def stages(self) -> Sequence[range]:
        """Which examples are learnt together; one stage after the other."""
        ...

    @property
    def adapter(self) -> AnyAdapter:
        """Its shape."""
        ...

    def worn(self, model: Any) -> AbstractContextManager[None]:
        """Put it on a model, to train it; afterwards the model is as it was."""
        ...

    def begin(self, stage: int) -> None:
        """Be ready for a stage: its weights change nothing that earlier ones have learnt."""
        ...

    def moved(
        self, anchors: Sequence[torch.Tensor], said: Sequence[torch.Tensor], /
    ) -> torch.Tensor:
        """How far what shall stay has moved, in what was read last.

        Args:
            anchors: what the model predicted for the passages that are held still.
            said: what it predicts for them now.
        """
        ...

    def end(self, stage: int) -> None:
        """A stage has ended: keep what it learnt."""
        ...

    def ended(self) -> Mapping[str, torch.Tensor]:
        """What the stages that have ended left."""
        ...

    def resume(self, ended: Mapping[str, torch.Tensor]) -> None:
        """Take up what :meth:`ended` gave; what does not fit is a KeyError or a ValueError."""
        ...

    def packet(self) -> Packet:
        """What its bytes are made of."""
        ...


class HeldByDivergence:
    """The half of a trainee that is held still by the divergence of what it predicts."""

    def moved(self, anchors: Sequence[torch.Tensor], said: Sequence[torch.Tensor]) -> torch.Tensor:
        """The mean KL divergence from the anchors."""
        return divergence(anchors, said)


class AtOnce(HeldByDivergence):
    """The half of a trainee that learns all examples in one stage."""

    def begin(self, stage: int) -> None:
        """Nothing: there was no stage before."""

    def end(self, stage: int) -> None:
        """Nothing: the weights are what was learnt."""

    def ended(self) -> Mapping[str, torch.Tensor]:
        """Nothing."""
        return {}

    def resume(self, ended: Mapping[str, torch.Tensor]) -> None:
        """Nothing: there are only weights."""
