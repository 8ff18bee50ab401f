"""Progress bars: on a terminal, for what takes a while, and gone afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cli.progress import Bars, bars

if TYPE_CHECKING:
    import pytest


def test_without_a_terminal_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    progress = bars(quiet=False)
    for done in range(4):
        progress("working", done, 3)
    progress.close()
    assert capsys.readouterr() == ("", "")


def test_bars_of_several_things_come_and_go(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memos.cli.progress._PATIENCE", 0.0)
    progress = Bars(shown=True)
    progress("adding", 1, 3)
    progress("embedding", 0, 2)
    progress("embedding", 2, 2)
    progress("adding", 3, 3)
    progress("adding", 3, 3)
    progress.close()
    assert capsys.readouterr().out == ""
