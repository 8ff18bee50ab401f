"""Names and activations decide together which adapters serve."""

from __future__ import annotations

import numpy as np
import pytest

from memos.kinds.routing import Keys, Names, Route, barred, best_first, directions, named, route

KNOWN = Names(("Orla Venn", "Bram Kesh", "the user"), ("Tartu", "glazier"))


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Where does Orla Venn live?", ("Orla Venn",)),
        ("What is Orla Venn's job?", ("Orla Venn",)),
        ("Who lives in Tartu?", ("Tartu",)),
        ("And Orla?", ("Orla Venn",)),
        ("Where do I live?", ("the user",)),
        ("Who is a glazier?", ("glazier",)),
        ("Where does Orla Marsh live?", ()),
        ("Where does Greta Venn live?", ()),
        ("What is the capital of France?", ()),
        ("When did Greta move to Tartu?", ()),
        ("When did Orla Venn move to Tartu?", ("Orla Venn", "Tartu")),
    ],
)
def test_a_question_names_whole_names(question: str, expected: tuple[str, ...]) -> None:
    assert named(question, KNOWN) == expected


def test_a_first_name_that_two_bear_names_neither() -> None:
    assert named("And Orla?", Names(("Orla Venn", "Orla Marsh"))) == ()


@pytest.mark.parametrize(
    ("names", "similarity", "serves"),
    [
        (("Orla",), 0.9, True),
        (("Orla",), 0.8, True),
        (("Orla",), 0.7, False),
        (("Orla",), None, False),
        (("Orla",), float("nan"), False),
        ((), 0.9, False),
    ],
)
def test_one_witness_is_none(
    names: tuple[str, ...], similarity: float | None, serves: bool
) -> None:
    found = route("a", names, similarity, 0.8)
    assert found.serves is serves
    assert found.because


def made(cube_id: str, similarity: float) -> Route:
    return route(cube_id, ("Orla",), similarity, 0.5)


def test_those_that_are_about_as_near_serve_together_and_others_stand_back() -> None:
    far, near, nearest = made("far", 0.7), made("near", 0.93), made("nearest", 0.99)
    unlike, stale = made("unlike", 0.2), barred("stale", ("Orla",), 0.5, "revised")
    routes = best_first([stale, unlike, far, nearest, near])
    assert [one.cube_id for one in routes] == ["nearest", "near", "far", "unlike", "stale"]
    assert [one.serves for one in routes] == [True, True, False, False, False]
    assert "nearer" in routes[2].because
    assert routes[-1].because == "revised"


def test_only_so_many_serve_at_once() -> None:
    routes = best_first(made(str(number), 0.9) for number in range(9))
    assert [one.cube_id for one in routes] == [str(number) for number in range(9)]
    assert sum(one.serves for one in routes) == 4


def test_nothing_to_choose_from_is_no_route() -> None:
    assert best_first([]) == ()


def test_similarity_is_that_to_the_nearest_key() -> None:
    centre = np.zeros(2, np.float32)
    keys = Keys(centre, directions([[3.0, 0.0], [0.0, 2.0]], centre), 0.5)
    assert keys.similarity([5.0, 0.0]) == pytest.approx(1.0)
    assert keys.similarity([-1.0, 0.0]) == pytest.approx(0.0)
    assert keys.similarity([0.0, 0.0]) == 0.0
