"""A document is run or it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
WITH_CODE = [page for page in PAGES if BLOCK.search(page.read_text())]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.weights
@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_CODE, ids=named)
def test_every_python_block_of_a_page_runs_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__docs__"}
    for number, block in enumerate(BLOCK.findall(page.read_text()), start=1):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)  # noqa: S102


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_every_check_code_is_documented() -> None:
    parts = sorted((ROOT / "memos/life/checkup").glob("*.py"))
    used = re.findall(r'"([a-z]+(?:-[a-z]+)+)"', "".join(part.read_text() for part in parts))
    told = (ROOT / "docs/operations.md").read_text()
    used = [code for code in used if code != "agent-memos"]  # the distribution's own name
    assert used
    for code in [*used, "missing-blob", "damaged-blob", "missing-vector", "orphan-word"]:
        assert f"`{code}`" in told, code


def test_every_backend_is_documented() -> None:
    told = (ROOT / "docs/backends.md").read_text()
    ports = (
        "blobs", "blocks", "catalog", "clock", "graph", "outlines", "vectors", "words", "embedder",
        "runtime",
    )  # fmt: skip
    for folder in ("stores", "models"):
        for module in (ROOT / "memos" / folder).glob("*_*.py"):
            stem = module.stem
            if stem.partition("_")[0] in ports and stem != "vectors_window":
                assert f"{folder}/{module.name}" in told, module.name


def test_no_page_names_what_only_one_machine_knows() -> None:
    for page in PAGES:
        for word in ("/root/", "/work/", "localhost:"):
            assert word not in page.read_text(), (page, word)
