"""How sensitive a memory is: four labels, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from memos.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

Sensitivity = Literal["public", "normal", "confidential", "secret"]
"""From what anybody may read to what hardly anybody may."""

SENSITIVITIES: tuple[str, ...] = get_args(Sensitivity)
"""The labels, the least sensitive first."""

DEFAULT = "normal"


def checked_sensitivity(text: object) -> str:
    """The label, if it is one.

    Raises:
        BadInput: there is no such label.
    """
    if not isinstance(text, str) or text not in SENSITIVITIES:
        hint = f"one of {', '.join(SENSITIVITIES)}"
        raise BadInput(f"there is no sensitivity {text!r:.60}", hint=hint)
    return text


def highest(sensitivities: Iterable[str]) -> str:
    """The label of what is derived from memories with these: as sensitive as the most sensitive.

    A label that is unknown, as a bundle from elsewhere may bring one, counts as the highest; of
    nothing, the highest is the default.
    """
    return max(sensitivities, key=_rank, default=DEFAULT)


def _rank(sensitivity: str) -> int:
    known = sensitivity in SENSITIVITIES
    return SENSITIVITIES.index(sensitivity) if known else len(SENSITIVITIES)
