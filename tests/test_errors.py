"""The error tree is the one that is drawn, and no error hides a builtin."""

from __future__ import annotations

import builtins
import inspect
import re

import memos.errors
from memos.errors import MemosError, VersionConflict

TREE = {
    name: kind
    for name, kind in vars(memos.errors).items()
    if inspect.isclass(kind) and issubclass(kind, MemosError)
}


def test_the_drawing_shows_every_error_under_its_parent_with_its_exit_code() -> None:
    line = r"^    (\S*?[├└│ ─]*)(\w+) .*?(?:exit (\d+))?$"
    drawn = re.findall(line, memos.errors.__doc__ or "", re.MULTILINE)
    names = {name for _, name, _ in drawn if name in TREE}
    assert names | {"MemosError"} == set(TREE)
    for _, name, code in drawn:
        if code and name in TREE:
            assert TREE[name].exit_code == int(code), name


def test_no_error_has_the_name_of_a_builtin() -> None:
    assert not set(TREE) & set(dir(builtins))


def test_an_error_says_what_and_what_next() -> None:
    error = VersionConflict("cube x is at version 2", hint="read it again")
    assert str(error) == "cube x is at version 2 (read it again)"
    assert (error.code, error.exit_code, error.hint) == ("VersionConflict", 4, "read it again")
