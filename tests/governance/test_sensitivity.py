"""Four levels of sensitivity, in order."""

from __future__ import annotations

import pytest

from memos.errors import BadInput
from memos.governance.sensitivity import LEVELS, checked_sensitivity, highest


def test_what_is_derived_is_as_sensitive_as_the_most_sensitive() -> None:
    assert highest(["normal", "secret", "public"]) == "secret"
    assert highest(["public"]) == "public"
    assert highest([]) == "normal"


def test_a_level_from_elsewhere_counts_as_the_highest() -> None:
    assert highest(["secret", "cosmic"]) == "cosmic"


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_taken(level: str) -> None:
    assert checked_sensitivity(level) == level


@pytest.mark.parametrize("level", ["", "Secret", "top-secret", None, 3, ["secret"]])
def test_what_is_none_is_refused_with_those_there_are(level: object) -> None:
    with pytest.raises(BadInput, match="public, normal, confidential, secret"):
        checked_sensitivity(level)
