"""Numbers as whole multiples of a scale: how the scale is chosen, and how they come back.

A group of numbers shares a scale *s* and perhaps a middle *m*; of each number *x* the nearest whole
*q* to ``(x - m) / s`` is kept, and ``m + q s`` comes back, off by *s*/2 at most. Scales and middles
are bfloat16: two bytes, with the range of float32, so that no group is too large or too small for
them. A scale is rounded up, so that its grid reaches to the ends of the group.

Only at the very end of a dtype's range, where ``m + q s`` would be infinite, a grid is cut short:
by a hundredth of the greatest number, or by eight where the group reaches from end to end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

_GREATEST_MIDDLE = 2.0**127
"""Beside it there is room for a step, also in the last binade of float32."""
_KEPT = -65536
"""The bits of a float32 that a bfloat16 has."""


def grouped(tensor: torch.Tensor, dim: int, size: int) -> Iterator[torch.Tensor]:
    """Views of a tensor with ``dim`` cut into [groups, size]: whole groups, then a shorter one."""
    groups, rest = divmod(tensor.shape[dim], size)
    if groups:
        yield tensor.narrow(dim, 0, groups * size).unflatten(dim, (groups, size))
    if rest:
        yield tensor.narrow(dim, groups * size, rest).unflatten(dim, (1, rest))


def per_group(tensor: torch.Tensor, dim: int, length: int, size: int) -> Iterator[torch.Tensor]:
    """What belongs to each of the views of :func:`grouped`, made to be multiplied with them."""
    groups, rest = divmod(length, size)
    if groups:
        yield tensor.narrow(dim, 0, groups).unsqueeze(dim + 1)
    if rest:
        yield tensor.narrow(dim, groups, 1).unsqueeze(dim + 1)


def symmetric(
    numbers: torch.Tensor, dim: tuple[int, ...], levels: float, most: float
) -> torch.Tensor:
    """The scale of a grid around zero, float32, with ``dim`` of size 1.

    Args:
        numbers: float32.
        dim: what shares a scale.
        levels: the greatest multiple.
        most: the greatest number that the grid may reach.

    Raises:
        BadInput: not all numbers are finite.
    """
    greatest = _finite(numbers.abs().amax(dim, keepdim=True))
    return _capped(greatest / levels, most / levels)


def around(
    numbers: torch.Tensor, dim: int, steps: tuple[int, int], most: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The middle and the scale of a grid of so many steps below and above.

    Arguments and errors are those of :func:`symmetric`.
    """
    import torch

    below, above = steps
    least = _finite(numbers.amin(dim, keepdim=True))
    greatest = _finite(numbers.amax(dim, keepdim=True))
    # each part is divided before it is added: their sum may leave float32
    middle = least * (above / (below + above)) + greatest * (below / (below + above))
    middle = middle.clamp(-_GREATEST_MIDDLE, _GREATEST_MIDDLE).bfloat16().float()
    scale = (middle / below - least / below).maximum(greatest / above - middle / above)
    room = (most / below + middle / below).minimum(most / above - middle / above)
    # nor may the product alone leave it
    return middle, _capped(scale, room.clamp(max=torch.finfo(torch.float32).max / below))


def nearest(
    numbers: torch.Tensor, middle: torch.Tensor | None, scale: torch.Tensor, steps: tuple[int, int]
) -> torch.Tensor:
    """The whole multiples, as float32."""
    apart = numbers if middle is None else numbers - middle
    return (apart / scale).round_().clamp_(-steps[0], steps[1])


def _capped(scale: torch.Tensor, most: torch.Tensor | float) -> torch.Tensor:
    """A scale that bfloat16 can write, rounded up, but at most ``most``."""
    import torch

    # a group of zeros has a scale too
    scale = scale.clamp(min=torch.finfo(torch.float32).tiny)
    up = ((scale.contiguous().view(torch.int32) - _KEPT - 1) & _KEPT).view(torch.float32)
    limit = torch.as_tensor(most, dtype=torch.float32, device=scale.device)
    down = (limit.contiguous().view(torch.int32) & _KEPT).view(torch.float32)
    return up.minimum(down)


def _finite(ends: torch.Tensor) -> torch.Tensor:
    if not bool(ends.isfinite().all()):
        raise BadInput(
            "attention state with numbers that are not finite can't be rounded",
            hint="keep it with the codec raw",
        )
    return ends
