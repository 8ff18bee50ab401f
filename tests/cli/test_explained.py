"""``memos search --explain``: what a score is made of, and what matched."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console

from memos import Hit
from memos.cli.explained import Look, Scale, Stack, explained_table, explained_wire
from memos.testing.catalog import plaintext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.cli.conftest import Memos

LOOKS = {
    name: Look(colour, shade)
    for name, colour, shade in (("a", "red", "█"), ("b", "blue", "▓"), ("c", "green", "▒"))
}


def drawn(drawing: object, *, width: int = 41, colours: bool = False) -> str:
    """What a terminal of that width is sent."""
    said = StringIO()
    console = Console(
        file=said, width=width, force_terminal=colours, color_system="standard" if colours else None
    )
    console.print(drawing)
    return said.getvalue()


def bar(parts: Mapping[str, float], *all_parts: Mapping[str, float]) -> str:
    """The line of the bar, on the scale of all."""
    return drawn(Stack(parts, LOOKS, Scale.of([parts, *all_parts]))).splitlines()[0].rstrip()


def test_a_bar_is_as_long_as_the_score_and_its_segments_as_their_parts() -> None:
    assert bar({"a": 1.0, "b": 1.0}) == "█" * 20 + "▓" * 20
    assert bar({"a": 0.5, "b": 0.5}, {"a": 2.0}) == "█" * 10 + "▓" * 10
    assert bar({"a": 0.0}) == ""
    assert bar({}) == ""


def test_what_is_taken_away_stands_left_of_the_line() -> None:
    assert bar({"a": 3.0, "b": -1.0}) == "▓" * 10 + "│" + "█" * 30
    assert bar({"a": 3.0}, {"a": 2.0, "c": -1.0}) == " " * 10 + "│" + "█" * 30
    assert bar({"c": -1.0}) == "▒" * 40 + "│"


def test_numbers_have_a_sign_where_there_are_parts_below_zero() -> None:
    assert "█ a 1.000  ▓ b 0.500" in drawn(Stack({"a": 1, "b": 0.5}, LOOKS, Scale(0, 1.5)))
    told = drawn(Stack({"a": 1, "b": -0.5}, LOOKS, Scale(0.5, 1)))
    assert "█ a +1.000  ▓ b -0.500" in told
    narrow = drawn(Stack({"a": 1, "b": 0.5}, LOOKS, Scale(0, 1.5)), width=12)
    assert narrow.splitlines()[1:] == ["█ a 1.000", "▓ b 0.500"]


def test_with_colours_every_segment_is_solid() -> None:
    told = drawn(Stack({"a": 1, "b": 1}, LOOKS, Scale(0, 2)), colours=True)
    assert "▓" not in told
    assert "\x1b[34m█" in told


def test_words_that_matched_are_marked_in_whatever_form_and_a_neighbour_is_named_by_its_rank() -> (
    None
):
    first, second = plaintext("She moved to Lisbon."), plaintext("The rent is lower.")
    hits = [
        Hit(cube=first, score=1.0, parts={"words": 1.0}, why={"time": "May 2024"}),
        Hit(cube=second, score=0.2, parts={"graph": 0.2}, why={"graph": first.id}),
    ]
    told = drawn(explained_table(hits, "moving to Lisbon?"), width=100, colours=True)
    assert "\x1b[1;4mmoved\x1b[0m to \x1b[1;4mLisbon\x1b[0m." in told
    assert "time: " in told
    assert "the 1st hit, “She moved to Lisbon.”" in told
    wire = explained_wire(hits[1], "moving to Lisbon, for a lower rent?")
    assert isinstance(wire, dict)
    assert wire["matched"] == ["rent", "lower"]
    assert wire["why"] == {"graph": first.id}


def test_a_search_explains_itself_to_people_and_to_programs(
    memos: Memos, remembered: list[str]
) -> None:
    asked = ("search", "who moved to Lisbon?", "-k", "1", "--explain")
    (row,) = memos(*asked).rows
    fields = "score parts why matched session turn cube superseded links"
    assert set(row) == set(fields.split())
    assert row["matched"] == ["moved", "Lisbon"]
    assert sum(row["parts"].values()) == row["score"]
    assert remembered[0] in memos(*asked, "-o", "table").stdout


def test_why_is_told_line_by_line_and_as_json(memos: Memos) -> None:
    turns = [
        {"role": "user", "name": "Bob", "content": "Whose is the dog?"},
        {"role": "user", "name": "Ann", "content": "Mine, since last May."},
    ]
    typed = "\n".join(json.dumps(turn) for turn in turns)
    said = ("--user", "ann", "--session", "s", "--at", "2023-06-08")
    asked, _ = memos("add", "-f", "-", "-q", *said, typed=typed).ids
    question = ("search", "when did Ann get a dog, in May 2023?", "--user", "ann", "--explain")
    why = {row["cube"]["cube"]["payload"]["text"]: row["why"] for row in memos(*question).rows}
    time = "asked: in May 2023 (2023-05-01 to 2023-05-31)"
    assert why["Mine, since last May."] == {
        "words": "Ann, May",
        "conversation": asked,
        "speaker": "Ann speaks",
        "answer": "asks when: it tells a time",
        "time": f"{time}; tells of last May (2023-05-01 to 2023-05-31)",
    }
    assert why["Whose is the dog?"] == {"words": "dog", "time": f"{time}; said on 2023-06-08"}
    shown = memos(*question, "-o", "table").stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    for line in (
        "words: Ann, May",
        "conversation: the 2nd hit, “Whose is the dog?”",
        "speaker: Ann speaks",
        "answer: asks when: it tells a time",
    ):
        assert line in lines
    assert f"time: {time}; tells of last May (2023-05-01 to 2023-05-31)" in " ".join(lines)


def test_a_given_title_stands_before_the_text(memos: Memos) -> None:
    cube = plaintext("It is tall.")
    payload = cube.payload.model_copy(update={"attributes": {"title": "Lighthouse"}})
    hit = Hit(cube=cube.model_copy(update={"payload": payload}), score=1.0, parts={"words": 1.0})
    assert "Lighthouse: It is tall." in drawn(explained_table([hit], "tower"), width=90)
