"""The wheel holds what it should, and works outside the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = folder.glob("*.whl")
    return made


def test_only_memos_stands_at_the_top_with_its_migrations_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as read:
        names = read.namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"memos"}
    shipped = {name.removeprefix("memos/") for name in names}
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "migrations").rglob("*")
        if path.suffix in {".py", ".mako"}
    }
    assert here <= shipped
    assert {"py.typed", "cli/demo_conversation.jsonl"} <= shipped
    assert not [name for name in names if "__pycache__" in name]


def test_the_wheel_works_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as read:
        read.extractall(tmp_path / "site")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import memos; assert memos.__file__.startswith(sys.argv[1]), memos.__file__\n"
        "from memos import MemOS\n"
        "with MemOS.open(sys.argv[2], embedder='hash') as mem:\n"
        "    mem.add('Alice moved to Lisbon.', user_id='alice')\n"
        "    assert mem.search('Lisbon', user_id='alice')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "site"), str(tmp_path / "store")]
    subprocess.run(command, check=True, cwd=tmp_path)
