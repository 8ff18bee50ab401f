"""What computing and loading attention state cost on this machine, through the ports alone."""

from __future__ import annotations

from contextlib import suppress
from secrets import token_hex
from statistics import median
from typing import TYPE_CHECKING

from memos.cube.frozen import Frozen
from memos.errors import BackendError, Unreachable
from memos.ports.progress import Progress, silent
from memos.ports.runtime import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memos.ports.kv import Kv, Usage
    from memos.ports.runtime import Generation, Prefilled, Runtime

_WORDS = "The ship left the harbour at dawn, and nobody on the quay knew where it would land. "
QUESTION_TOKENS = 32
"""Tokens of the question behind the text; they are computed in any case."""


class PlaceCost(Frozen):
    """What reading from a place takes."""

    place: str
    first_token_seconds: float
    """Median over the rounds, from the call to the first token, all blocks lying here at first."""
    loaded_tokens: int
    """So many tokens came from here; the others were computed meanwhile, as that is quicker."""
    read_bytes_per_second: float | None
    """None where the model reads blocks where they lie."""
    written_bytes_per_second: float | None
    """None where nothing was written that was timed."""
    block_seconds: float | None
    """What loading a block takes at this speed, as the planner reckons it; None as above."""


class KvCosts(Frozen):
    """What a text of some tokens costs, read whole and from each place."""

    machine: str
    model: str
    tokens: int
    question_tokens: int
    rounds: int
    blocks: int
    block_tokens: int
    """Of a block on average, as with all that is said of one here."""
    block_bytes: int
    """In the model's own dtype."""
    seconds_per_token: float
    """Of reading, by the blocks that were computed to be kept."""
    block_seconds: float
    """What computing a block takes."""
    first_token_seconds: float
    """Median over the rounds, nothing being there."""
    places: tuple[PlaceCost, ...]
    absent: dict[str, str]
    """Places that could not be measured, and why."""


class KvTrial:
    """Reads one text again and again, whole and from each place.

    Args:
        runtime: the language model.
        kv: the places that it reads blocks from.
        rounds: how often each is read.
        progress: told of each reading.
    """

    def __init__(
        self, runtime: Runtime, kv: Kv, *, rounds: int, progress: Progress = silent
    ) -> None:
        self._runtime, self._kv, self._rounds, self._progress = runtime, kv, rounds, progress
        self._salt = token_hex(32)  # no block of anybody has this mark

    def measure(self, tokens: int, *, machine: str) -> KvCosts:
        """What ``tokens`` tokens cost; afterwards no place that answers has any of their blocks.

        Raises:
            BadInput: the model cannot attend to so many.
            NotSupported: it keeps no attention state that can be cut into blocks.
            OutOfSpace: the disk has no room for them.
        """
        text = self._text(tokens + QUESTION_TOKENS)
        self._runtime.generate(text[:QUESTION_TOKENS], limit=2)  # what is slow but once
        whole = [self._first("whole", text, at, kept=0) for at in range(self._rounds)]
        made = self._runtime.prefill(
            text[:tokens], cuts=[tokens], salt=self._salt, progress=self._progress
        )
        block = made.size_bytes // len(made.blocks)
        try:
            told = [self._place(one.place, text, made, block) for one in self._kv.usage()]
        finally:
            with suppress(Unreachable):  # that is told of its place
                self._kv.drop(made.blocks)
        each = made.seconds / made.tokens
        return KvCosts(
            machine=machine,
            model=self._runtime.fingerprint.name,
            tokens=tokens,
            question_tokens=QUESTION_TOKENS,
            rounds=self._rounds,
            blocks=len(made.blocks),
            block_tokens=round(tokens / len(made.blocks)),
            block_bytes=block,
            seconds_per_token=each,
            block_seconds=each * tokens / len(made.blocks),
            first_token_seconds=median(one.first_token_seconds for one in whole),
            places=tuple(one for one in told if isinstance(one, PlaceCost)),
            absent={
                place: why for one in told if isinstance(one, dict) for place, why in one.items()
            },
        )

    def _place(
        self, place: str, text: Sequence[int], made: Prefilled, block_bytes: int
    ) -> PlaceCost | dict[str, str]:
        """What reading from a place takes; or why it could not be measured."""
        kept, before, read = made.tokens, self._usage(place), []
        try:
            for at in range(self._rounds):
                self._kv.move(made.blocks, place)
                read.append(self._first(place, text, at, kept=kept))
        except BackendError as error:  # such as a server that does not answer
            return {place: error.message}
        after = self._usage(place)
        speed = _rate(
            after.read_bytes - before.read_bytes, after.read_seconds - before.read_seconds
        )
        return PlaceCost(
            place=place,
            first_token_seconds=median(one.first_token_seconds for one in read),
            loaded_tokens=min(one.reused_tokens for one in read),
            read_bytes_per_second=speed,
            written_bytes_per_second=_rate(after.written_bytes, after.written_seconds),
            block_seconds=None if speed is None else block_bytes / speed,
        )

    def _first(self, what: str, text: Sequence[int], at: int, *, kept: int) -> Generation:
        """One token behind the text, of which so much is kept."""
        cuts = [len(text) - QUESTION_TOKENS]
        made = self._runtime.generate(text, limit=1, cuts=cuts, kept=kept, salt=self._salt)
        self._progress(f"reading: {what}", at + 1, self._rounds)
        return made

    def _usage(self, place: str) -> Usage:
        return next(one for one in self._kv.usage() if one.place == place)

    def _text(self, count: int) -> tuple[int, ...]:
        """So many tokens of a prompt."""
        words = _WORDS * (1 + count // _WORDS.count(" "))
        return self._runtime.encode([Message("user", words)])[:count]


def _rate(size_bytes: int, seconds: float) -> float | None:
    return size_bytes / seconds if size_bytes and seconds > 0 else None
