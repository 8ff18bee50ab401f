"""Threads that wait for one another without keeping a processor busy."""

from __future__ import annotations

import os


def wait_asleep() -> None:
    """Have the threads of OpenMP sleep while they wait; to be called before torch is imported.

    By default they spin. Where another process wants the same processors, each of the thousands
    of short waits of a forward pass then lasts until the scheduler takes a thread off: measured on
    two shared cores, ten times the time and the energy. What the user has set stays as it is.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # noqa: TID251 - OpenMP reads it
