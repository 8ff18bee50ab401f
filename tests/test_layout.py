"""The shape of the house, where ruff cannot see it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "memos").rglob("*.py"))
VAGUE = {"base", "common", "core", "data", "factory", "general", "handler", "helper", "helpers",
         "info", "item", "main", "manager", "misc", "process", "service", "simple", "naive",
         "util", "utils"}  # fmt: skip


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_says_what_it_is_for_and_has_a_telling_name(module: Path) -> None:
    text = module.read_text()
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text))
    assert module.stem not in VAGUE


def test_nothing_stored_is_ever_pickled() -> None:
    for module in MODULES:
        text = module.read_text()
        assert not re.search(
            r"^\s*(import|from) (pickle|marshal|shelve|dill)\b", text, re.MULTILINE
        ), module
        assert "torch.load" not in text, module
        assert "weights_only" not in text, module


def test_only_the_agreed_things_stand_at_the_top() -> None:
    expected = {"pyproject.toml", "memos", "plugins", "migrations", "tests", "docs", "cli.py"}
    assert expected <= {path.name for path in ROOT.iterdir()}
