"""Where a figure was measured: printed above every table."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_LIBRARIES = ("torch", "transformers", "sentence-transformers", "chromadb", "sqlalchemy")
_PROCESSORS = Path("/proc/cpuinfo")


def machine() -> str:
    """One line on the machine, one on the versions."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    load = os.getloadavg()[0]
    found = [f"{name} {_version(name)}" for name in _LIBRARIES]
    return (
        f"{_processor()}, {cores} cores, {memory} GiB, load {load:.1f} at the start; "
        f"Python {platform.python_version()}\n{', '.join(found)}"
    )


def _processor() -> str:
    lines = _PROCESSORS.read_text().splitlines() if _PROCESSORS.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
