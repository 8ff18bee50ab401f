"""What says nothing new."""

from __future__ import annotations

from memos.cube import Source
from memos.retrieval.overlap import without_repeats
from tests.retrieval.told import told


def kept(*cubes: object, there: tuple[object, ...] = ()) -> list[str]:
    return [cube.text for cube in without_repeats(list(cubes), list(there))]  # type: ignore[arg-type]


def test_the_same_words_of_the_same_day_are_said_once() -> None:
    first, again = told("I moved to Lisbon.", 1), told("i moved to  Lisbon", 2)
    assert kept(first, again) == ["I moved to Lisbon."]


def test_a_part_of_what_is_there_is_no_news_and_neither_is_what_is_around_it() -> None:
    part = told("I moved to Lisbon.", 1)
    window = told("Ann: Guess what? I moved to Lisbon. Bob: No!", 2, speaker=None)
    assert kept(window, part) == [window.text]
    assert kept(part, window) == [part.text]


def test_two_texts_that_differ_in_one_word_both_stay() -> None:
    assert (
        len(kept(told("I moved there in May 2023.", 1), told("I moved there in May 2024.", 2))) == 2
    )


def test_what_another_said_or_what_was_said_another_day_stays() -> None:
    tea = "I had tea today."
    assert len(kept(told(tea, 1), told(tea, 2, speaker="Bob"), told(tea, 3, days=1))) == 3


def test_a_short_word_within_a_text_is_no_repeat() -> None:
    assert len(kept(told("Lisbon is lovely, yes.", 1), told("Yes.", 2))) == 2


def test_pieces_of_one_source_that_overlap_by_half_are_paid_once() -> None:
    words = "one two three four five six".split()
    pieces = [
        told(
            " ".join(words[start : start + 4]),
            start + 1,
            source=Source(uri="f", span=(start, start + 4)),
        )
        for start in range(3)
    ]
    assert kept(*pieces) == ["one two three four", "three four five six"]


def test_other_texts_of_a_file_of_the_same_name_are_not_taken_for_pieces_of_it() -> None:
    source = Source(uri="stdin:", span=(0, 1))
    assert (
        len(kept(told("Alice bakes.", 1, source=source), told("Bob paints.", 2, source=source)))
        == 2
    )


def test_of_those_that_say_the_same_the_one_that_stands_stands_for_the_others() -> None:
    better, standing = told("I moved to Lisbon.", 1), told("I moved to Lisbon!", 2)
    assert kept(better, standing, there=(standing,)) == [standing.text]
    assert kept(better, there=(standing,)) == [standing.text]
    assert kept(told("tea", 3), there=(standing,)) == ["tea"]
