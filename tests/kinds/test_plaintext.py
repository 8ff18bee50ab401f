"""What the indexes see of a text, and what its title is."""

from __future__ import annotations

from memos.kinds.plaintext import heading, indexed_text
from memos.testing.catalog import plaintext


def test_the_indexes_see_title_speaker_text_and_caption_in_this_order() -> None:
    cube = plaintext("It was dark.", speaker="Mia")
    attributes = {"caption": "a tower", "title": "Lighthouse"}
    payload = cube.payload.model_copy(update={"attributes": attributes})
    titled = cube.model_copy(update={"payload": payload})
    assert indexed_text(titled) == "Lighthouse: Mia: It was dark. [a tower]"


def test_a_title_that_is_the_texts_own_beginning_is_not_indexed_twice() -> None:
    cube = plaintext("It was dark.")
    assert cube.header.title
    assert indexed_text(cube) == "It was dark."


def test_a_heading_is_the_title_that_was_given_or_else_the_texts_beginning_on_one_line() -> None:
    assert heading("a text", {"title": "A\ntitle"}) == "A title"
    assert heading("a text", {"caption": "a house"}) == "a text"
    assert heading("word " * 40, {}).endswith("…")
