"""What blocks cost to compute by their place in a text: a line through what was told."""

from __future__ import annotations

_FADE = 0.999


class Prices:
    """Least squares of seconds over places, later ones counting more.

    Attention makes each token of a text dearer than the one before it by the same amount, so a line
    is the shape to be expected.
    """

    def __init__(self) -> None:
        self._count = self._places = self._squares = self._seconds = self._products = 0.0

    def told(self, place: int, seconds: float) -> None:
        """A block at that place of its text took so long."""
        self._count = self._count * _FADE + 1
        self._places = self._places * _FADE + place
        self._squares = self._squares * _FADE + place * place
        self._seconds = self._seconds * _FADE + seconds
        self._products = self._products * _FADE + place * seconds

    def at(self, place: float) -> float:
        """Seconds for a block at that place; 0 where nothing was told."""
        if not self._count:
            return 0.0
        spread = self._count * self._squares - self._places**2
        product = self._count * self._products - self._places * self._seconds
        slope = product / spread if spread > 1e-9 * self._count**2 else 0.0
        mean = self._seconds / self._count
        return max(mean + slope * (place - self._places / self._count), 0.0)
