"""Whether training gains by multiplying numbers of 16 bits."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    import torch

_ABLE = {"avx512_bf16", "amx_bf16", "bf16"}
"""As Linux names what processors can do, on x86 and on Arm."""


def pays(device: torch.device) -> bool:
    """Whether a model of 32-bit floats is trained faster when it multiplies in bfloat16.

    On a processor that does so natively. A GPU, where the products of a step take less time than
    it takes to start them, loses more by the conversions: it computes in the numbers of the model.
    """
    if device.type != "cpu":
        return False
    try:
        told = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return False
    lines = told.splitlines()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return not _ABLE.isdisjoint(flags.split())


def in_halves(model: Any, *, half: bool) -> AbstractContextManager[Any]:
    """Within it a model multiplies in bfloat16, if ``half``; sums and weights stay as they are."""
    import torch

    return torch.autocast(model.device.type, torch.bfloat16, enabled=half)


@contextmanager
def weighing_half(
    modules: Iterable[Any], *, half: bool, spared: torch.Tensor | None = None
) -> Iterator[None]:
    """Within it linear layers hold their weights in bfloat16, if ``half``.

    Weights that do not learn are else rounded anew in every step. Afterwards each layer has the
    very tensors that it had before.

    Args:
        modules: of which the linear layers are meant.
        half: whether to do so at all.
        spared: a weight that stays as it is, for something else reads it, too.
    """
    import torch

    whole = {
        id(layer.weight): (layer.weight, layer.weight.data)
        for layer in modules
        if half and isinstance(layer, torch.nn.Linear) and layer.weight is not spared
    }
    try:
        for weight, data in whole.values():
            weight.data = data.to(torch.bfloat16)
        yield
    finally:
        for weight, data in whole.values():
            weight.data = data
