"""A runtime leaves processors to others while its threads wait."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("before", "after"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")]
)
def test_threads_sleep_while_they_wait_unless_the_user_says_otherwise(
    before: dict[str, str], after: str
) -> None:
    code = (
        "import os; from memos.models.patience import wait_asleep; wait_asleep();"
        "print(os.environ['OMP_WAIT_POLICY'])"
    )
    kept = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept | before, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == after
