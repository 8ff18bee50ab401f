"""Whether a machine multiplies numbers of 16 bits natively; where not, they are slower."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import torch

_ABLE = {"avx512_bf16", "amx_bf16", "bf16"}
"""As Linux names what processors can do, on x86 and on Arm."""


def has_native_bfloat16(device: torch.device) -> bool:
    """Whether products of bfloat16 are faster than of float32 on a device."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
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
