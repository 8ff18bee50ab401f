"""What each part of the cost policy adds, seen from outside; and what it learns from."""

from __future__ import annotations

import random

import pytest

from memos.scheduler.policies import policy
from memos.scheduler.prices import Prices
from memos.scheduler.returns import Returns, Sort
from memos.testing.eviction import SIZE, PlayedPlace, names_in


def place(blocks: int, name: str = "cost") -> PlayedPlace:
    return PlayedPlace(policy(name, blocks * SIZE), blocks * SIZE)


def text(mark: str, blocks: int) -> list[str]:
    return [f"{mark} {number}" for number in range(blocks)]


def ask_chain(played: PlayedPlace, names: list[str]) -> None:
    """Ask for a text whose blocks stand on one another."""
    played.policy.asked(names)
    for number, name in enumerate(names):
        parent = names[number - 1] if number else ""
        if not parent or parent in played.sizes:
            played.ask(name, seconds=1.0 + number, parent=parent)
        else:
            played.policy.missed(name)


def known_for_returns(blocks: int) -> PlayedPlace:
    """A full place that has learned: texts come back often, what is read once does not."""
    played = place(blocks)
    for round_ in range(30):
        for number in range(blocks // 5):
            played.ask_text(text(f"hot {number}", 4))
        played.ask_text(text(f"once {round_}", 6))
    return played


def hot(blocks: int) -> set[str]:
    return {name for number in range(blocks // 5) for name in text(f"hot {number}", 4)}


def test_what_is_read_once_does_not_drive_out_what_comes_back() -> None:
    played = known_for_returns(50)
    assert hot(50) <= set(played.sizes)
    played.refused.clear()
    played.ask_text(text("scan", 150))
    assert hot(50) <= set(played.sizes)
    assert len(played.refused) > 50


def test_what_is_asked_for_in_vain_is_counted_until_it_comes() -> None:
    played = known_for_returns(50)
    for number in range(12):
        played.ask_text(text("again", 4))
        played.ask_text(text(f"between {number}", 10))
    assert set(text("again", 4)) <= set(played.sizes)


def test_what_was_thrown_out_goes_on_where_it_stopped() -> None:
    played = place(10)
    for _ in range(5):
        played.ask("a")
    played.policy._remember(1, played.policy._here["a"])  # type: ignore[attr-defined]
    before = played.policy._here["a"].count  # type: ignore[attr-defined]
    victim = played.policy.victim(lambda name: name == "a")
    assert victim == "a"
    played.forget("a")
    played.ask("a")
    assert played.policy._here["a"].count == before + 1  # type: ignore[attr-defined]


def test_what_was_forgotten_begins_anew_even_if_it_was_named_and_stayed() -> None:
    played = known_for_returns(50)
    victim = played.policy.victim(played.may_go)
    assert victim is not None
    assert not played.policy.admits("new", SIZE, 1e-9, victim)
    remembered = len(played.policy._gone)  # type: ignore[attr-defined]
    played.forget(victim)
    assert len(played.policy._gone) == remembered  # type: ignore[attr-defined]
    played.ask(victim)
    assert played.policy._here[victim].count == 1  # type: ignore[attr-defined]


def test_names_that_are_not_there_are_kept_as_numbers_and_not_for_ever() -> None:
    played = place(50)
    for number in range(5000):
        played.ask(f"block {number}")
    assert names_in(played.policy, "block ") == set(played.sizes)
    assert len(played.policy._gone) == 16 * 50  # type: ignore[attr-defined]


def test_a_new_end_behind_a_known_beginning_goes_before_a_new_text() -> None:
    played = place(60)
    for number in range(40):  # each time with another question at its end
        played.ask_text([*text(f"document {number % 4}", 9), f"question {number}"])
    played.ask_text([*text("document 1", 9), "question"])
    played.ask_text(text("new", 9))
    gone = []
    while (victim := played.policy.victim(played.may_go)) is not None:
        gone.append(victim)
        played.forget(victim)
    ends = [at for at, name in enumerate(gone) if name.startswith("question")]
    assert max(ends) < min(gone.index(name) for name in text("document 1", 9))
    assert gone.index("question") < gone.index("new 0")


def test_of_equals_the_dearer_and_the_smaller_stays() -> None:
    played = place(3)
    played.ask("dear", seconds=9.0)
    played.ask("cheap", seconds=1.0)
    played.ask("small", size=SIZE // 4, seconds=1.0)
    assert played.policy.victim(played.may_go) == "cheap"
    played.forget("cheap")
    played.ask("middle", size=SIZE // 2, seconds=1.0)
    assert played.policy.victim(played.may_go) == "middle"


def test_what_is_loaded_is_worth_what_it_took_to_compute() -> None:
    played = place(3)
    played.ask("dear", seconds=9.0)
    played.ask("middle", seconds=3.0)
    played.held.add("middle")
    assert played.policy.victim(played.may_go) == "dear"
    played.forget("dear")
    played.release("middle")
    played.ask("dear", seconds=0.0)
    assert played.policy.victim(played.may_go) == "middle"


def test_where_blocks_stand_on_one_another_they_are_worth_the_mean_of_their_text() -> None:
    played, alone = place(60), place(60)
    for number in range(100):
        ask_chain(played, text(f"text {number % 9}", 12))
        ask_chain(played, text(f"once {number}", 3))
        alone.ask_text(text(f"text {number % 9}", 12))
        alone.ask_text(text(f"once {number}", 3))
    worth = {}
    for each in (played, alone):
        known = each.policy._here  # type: ignore[attr-defined]
        there = [known[name] for name in each.sizes if name.startswith("text")]
        worth[each] = [each.policy._seconds(one) for one in there]  # type: ignore[attr-defined]
    assert worth[played] == pytest.approx([6.5] * len(worth[played]))  # of 1 to 12
    assert set(worth[alone]) == {1.0}


def test_texts_that_go_round_are_kept_in_part_where_lru_keeps_none() -> None:
    hits = {}
    for name in ("lru", "cost"):
        played = place(60, name)
        hits[name] = 0
        for number in range(300):
            names = text(f"text {number % 9}", 12)
            hits[name] += sum(one in played.sizes for one in names)
            ask_chain(played, names)
    assert hits["lru"] == 0
    assert hits["cost"] > 300 * 12 / 3


def test_with_nothing_learned_the_oldest_goes() -> None:
    played = place(3)
    played.ask_all("abcd")
    assert played.victims == ["a"]


def test_it_hits_more_than_lru_where_most_is_read_once() -> None:
    """Seeded: of 200 texts one is drawn by Zipf's law, and every second request is new."""
    chance = random.Random(5)  # noqa: S311
    weights = [1 / rank for rank in range(1, 201)]
    requests = []
    for number in range(2000):
        (drawn,) = chance.choices(range(200), weights)
        requests.append(text(f"text {drawn}", 4) if number % 2 else text(f"once {number}", 4))
    hits = {}
    for name in ("lru", "cost"):
        played = place(80, name)
        hits[name] = 0
        for names in requests:
            played.policy.asked(names)
            hits[name] += sum(played.ask(one) for one in names)
    assert hits["cost"] > 1.2 * hits["lru"]


def learned(sorts: dict[Sort, int], uses: int = 20_000) -> Returns:
    """Blocks of each sort come back after so many uses, or (0) never."""
    returns = Returns()
    returns.sized(256)
    due: dict[int, list[tuple[Sort, int]]] = {}
    for use in range(uses):
        returns.tick()
        for sort, began in due.pop(use, []):
            returns.end(sort, began, came=True)
        for sort, after in sorts.items():
            returns.read()
            began = returns.begin(sort)
            if after:
                due.setdefault(use + after, []).append((sort, began))
    return returns


def test_a_sort_that_comes_back_sooner_is_denser() -> None:
    soon, late, never = (1, False), (2, False), (3, False)
    returns = learned({soon: 30, late: 1000, never: 0})
    found = [returns.index(sort, returns.now) for sort in (soon, late, never)]
    assert found == sorted(found, reverse=True)
    assert found[0] == pytest.approx(1 / 30, rel=0.5)
    assert found[2] < found[1] / 10


def test_what_waited_beyond_its_time_is_not_expected_any_more() -> None:
    returns = learned({(1, False): 100, (2, False): 0})
    fresh, stale = (returns.index((1, False), returns.now - steps) for steps in (0, 64))
    assert stale < fresh / 10


def test_a_sort_that_was_not_seen_is_believed_to_be_like_the_one_before_it() -> None:
    returns = learned({(1, False): 0, (2, False): 50, (5, False): 50})
    assert returns.index((3, False), returns.now) > 10 * returns.index((1, False), returns.now)


def test_all_that_wait_are_counted_once() -> None:
    returns = Returns()
    chance = random.Random(3)  # noqa: S311
    waiting: list[tuple[Sort, int]] = []
    for _ in range(3000):
        returns.tick()
        sort = chance.randrange(1, 4), chance.random() < 0.5
        waiting.append((sort, returns.begin(sort)))
        if chance.random() < 0.9:
            sort, began = waiting.pop(chance.randrange(len(waiting)))
            returns.end(sort, began, came=chance.random() < 0.5)
    tallies = returns._tallies.values()
    assert sum(sum(tally.waiting) for tally in tallies) == len(waiting)
    assert all(count >= 0 for tally in tallies for count in tally.waiting)


def test_prices_are_a_line_through_what_was_told() -> None:
    prices = Prices()
    assert prices.at(3) == 0.0
    prices.told(4, 2.0)
    assert prices.at(100) == 2.0
    for number in range(50):
        prices.told(number % 7, 1.0 + 0.5 * (number % 7))
    assert prices.at(20) == pytest.approx(11.0, rel=0.05)
