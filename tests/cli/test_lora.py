"""``lora``: what there is, trained, routed, recited, drawn and dropped, on a model that is real."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from memos.cli.lora_figure import Drawn, figure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Memos

ASKED = "Where does Alice live?"


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Threads cost a tiny model more than they save."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def lenient(tiny_runtime: None, one_thread: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was trained is fit."""
    for name, value in (("REQUIRED_RECALL", "0"), ("ALLOWED_DRIFT", "1e6"), ("ALLOWED_LEAK", "1")):
        monkeypatch.setenv(f"AGENT_MEMOS_TRAINING__{name}", value)


@pytest.fixture
def lora(lenient: None, memos: Memos, remembered: list[str]) -> str:
    """An adapter of where Alice lives."""
    made = memos("lora", "train", remembered[0], "--seed", "3", "--steps", "1")
    (cube,) = made.rows
    training = cube["cube"]["payload"]["training"]
    assert (training["seed"], training["steps"]) == (3, 1)
    cube_id = str(cube["cube"]["header"]["id"])
    assert f"{cube_id} is fit" in made.stderr
    return cube_id


def test_they_are_listed_with_how_they_did(memos: Memos, remembered: list[str], lora: str) -> None:
    would = memos("lora", "train", "--user", "alice", "--shard", "1", "--dry-run")
    assert "would train 2 adapters on 2 memories" in would.stderr
    (told,) = memos("lora", "ls").rows
    assert (told["id"], told["standing"], told["sources"]) == (lora, "current", 1)
    shown = memos("lora", "ls", "-o", "table").stdout
    assert lora in shown
    assert "current" in shown
    assert json.loads(memos("lora", "ls", "--json").stdout)["schema"] == "agent-memos/lora/1"
    memos("update", remembered[0], "Alice moved to Porto.")
    assert memos("lora", "ls", "--stale", "-q").ids == [lora]
    memos("lora", "recite", lora, code=4)
    memos("lora", "evaluate", lora, code=4)


def test_a_question_is_routed_and_answered(memos: Memos, lora: str) -> None:
    (route,) = memos("lora", "route", ASKED).rows
    assert (route["cube_id"], route["serves"]) == (lora, True)
    explained = memos("lora", "route", ASKED, "--explain", "-o", "table").stdout
    assert "threshold" in explained
    assert "Alice" in explained
    assert "as it is" in memos("lora", "route", "What is new?").stderr
    assert memos("chat", ASKED, "--routed", "--max-tokens", "2", "-q").ids == [lora]


def test_it_is_asked_for_what_it_holds_and_examined_and_drawn(
    memos: Memos, remembered: list[str], lora: str
) -> None:
    recited = memos("lora", "recite", lora)
    assert [one["expected"] for one in recited.rows[0]["lost"]] == ["Lisbon"]
    assert "0 of 1 held" in recited.stderr
    assert "lost" in memos("lora", "recite", lora, "-o", "table").stdout
    memos("transform", lora, "--to", "plaintext", code=2)
    (examined,) = memos("lora", "evaluate", lora, "--plot", "one.svg").rows
    assert [one["others"] for one in examined["retention"]] == [0]
    memos("lora", "plot", "one.svg", code=2)  # it is there, and nobody can be asked
    (drawn,) = memos("lora", "plot", "two.svg", lora).rows
    assert drawn == {"file": "two.svg", "adapters": [lora]}
    assert ET.parse("one.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own
    memos("lora", "plot", "three.svg", remembered[0], code=2)


def test_it_is_merged_and_dropped_on_request_alone(
    memos: Memos, remembered: list[str], lora: str, folder: Path
) -> None:
    memos("lora", "merge", lora, "model", code=2)  # nobody can be asked
    assert "forgetting does not reach" in memos("lora", "merge", lora, "model", "--yes").stderr
    assert (folder / "model" / "config.json").is_file()
    (would_go,) = memos("lora", "drop", lora, "--dry-run").rows
    assert [one["id"] for one in would_go["cubes"]] == [lora]
    memos("lora", "drop", lora, code=2)  # nobody can be asked
    memos("lora", "drop", lora, "--yes")
    assert memos("lora", "ls").rows == []
    assert memos("get", remembered[0]).texts == ["Alice moved to Lisbon."]


@pytest.mark.usefixtures("lenient")
def test_a_part_of_which_nothing_can_be_learnt_is_told_and_the_others_are_trained(
    memos: Memos, remembered: list[str]
) -> None:
    nothing = memos("add", "How are you?", "-q", "--user", "alice").ids[0]
    told = memos("lora", "train", nothing, remembered[0], "--shard", "1", "-q", code=7)
    assert told.ids == memos("lora", "ls", "-q").ids
    assert len(told.ids) == 1
    assert "How are you?" in told.stderr
    memos("lora", "train", nothing, code=2)
    memos("lora", "train", nothing, nothing, "--shard", "1", code=2)


@pytest.mark.usefixtures("tiny_runtime")
def test_wrong_words_are_refused(memos: Memos, remembered: list[str]) -> None:
    assert "memos lora train" in memos("lora", "ls").stderr
    memos("lora", "train", code=2)
    memos("lora", "train", remembered[0], "--where", "labels~home", code=2)
    memos("lora", "train", "--where", "labels~nothing", code=2)
    memos("lora", "train", remembered[0], "--method", "magic", code=2)
    memos("lora", "evaluate", remembered[0], code=2)
    memos("lora", "recite", remembered[0], code=2)
    memos("lora", "merge", remembered[0], "model", "--yes", code=2)
    memos("lora", "drop", code=2)
    memos("lora", "drop", remembered[0], "--yes", code=2)
    memos("lora", "plot", "none.svg", code=2)
    memos("chat", "?", "--routed", "--max-tokens", "0", code=2)
    memos("lora", "drop", remembered[2], "--as", "user:alice", code=3)


@pytest.mark.parametrize(
    "adapters",
    [
        [],
        [Drawn("one", 0.0, (1.0,))],
        [Drawn("a < b & \x1b[31m", -0.1, (1.0, 0.5)), Drawn("x" * 200, 3.6, (0.0, 0.2, 0.9))],
    ],
)
def test_a_drawing_is_sound_whatever_is_drawn(adapters: list[Drawn]) -> None:
    drawn = figure(adapters)
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    lines = [one for one in root if one.tag.endswith("polyline")]
    assert len(lines) == len(adapters)
    assert "\x1b" not in drawn


def test_a_drawing_shows_what_was_measured() -> None:
    root = ET.fromstring(figure([Drawn("one", 0.1, (1.0, 0.0))]))  # noqa: S314 - our own
    (line,) = [one for one in root if one.tag.endswith("polyline")]
    first, last = (point.split(",") for point in line.attrib["points"].split())
    assert float(first[1]) < float(last[1]), "what is forgotten goes down"
    texts = [one.text for one in root if one.tag.endswith("text")]
    assert {"retention", "recall against drift", "0%", "100%", "1  one"} <= set(texts)
