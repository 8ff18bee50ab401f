"""What destroys asks first, on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Memos, Terminal


def test_a_no_forgets_nothing(memos: Memos, terminal: Terminal, remembered: list[str]) -> None:
    seen = terminal("forget", remembered[0], typed="n\n")
    assert "Forget 1 cube?" in seen
    assert "Alice moved to Lisbon." in seen
    assert "nothing was forgotten" in seen
    assert memos("ls", "-q").ids == remembered


def test_a_yes_forgets(memos: Memos, terminal: Terminal, remembered: list[str]) -> None:
    assert "forgot 1 cube" in terminal("forget", remembered[0], typed="y\n")
    assert memos("ls", "-q").ids == remembered[1:]


def test_to_forget_everything_the_name_of_the_store_is_typed(
    memos: Memos, terminal: Terminal, remembered: list[str]
) -> None:
    assert "nothing was forgotten" in terminal("forget", "--all", typed="y\n")
    assert memos("ls", "-q").ids == remembered
    assert "Type memory to go on" in terminal("forget", "--all", typed="memory\n")
    assert memos("ls", "-q").ids == []
