"""The reference in docs/ is what the commands say of themselves."""

from __future__ import annotations

from pathlib import Path

from memos.cli.reference import reference

PAGE = Path(__file__).parent.parent.parent / "docs" / "cli.md"


def test_the_page_is_up_to_date() -> None:
    hint = "python -m memos.cli.reference > docs/cli.md"
    assert PAGE.read_text(encoding="utf-8") == reference(), hint


def test_every_command_has_its_heading() -> None:
    headings = [line for line in reference().splitlines() if line.startswith("## ")]
    assert "## memos add" in headings
    assert "## memos config show" in headings
    assert len(headings) == len(set(headings))
