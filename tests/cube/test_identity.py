"""Ids are UUIDv7 and sort in the order in which they were made."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from memos.cube.identity import Identities, canonical, id_within, is_cube_id

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def test_an_id_is_a_uuid_of_version_seven_with_its_time() -> None:
    made = uuid.UUID(Identities().new(NOW))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(NOW.timestamp() * 1000)


def test_ids_of_one_moment_sort_in_the_order_they_were_made() -> None:
    identities = Identities()
    made = [identities.new(NOW) for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_a_clock_that_goes_backwards_does_not_break_the_order() -> None:
    identities = Identities()
    first = identities.new(NOW)
    assert identities.new(NOW - timedelta(days=1)) > first


def test_threads_never_get_the_same_id() -> None:
    identities = Identities()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: identities.new(NOW), range(4000)))
    assert len(set(made)) == len(made)


def test_only_the_canonical_spelling_is_an_id() -> None:
    made = Identities().new(NOW)
    assert is_cube_id(made)
    for wrong in (made.upper(), made.replace("-", ""), "", "x", f" {made}", f"{{{made}}}"):
        assert not is_cube_id(wrong)


def test_equal_values_have_equal_bytes() -> None:
    assert canonical({"b": 1, "a": ["ü"]}) == canonical({"a": ["ü"], "b": 1})


def test_an_id_under_a_namespace_is_always_the_same_and_another_s_is_another() -> None:
    first = Identities().new(NOW)
    there = id_within("acme/travel", first)
    assert there == id_within("acme/travel", first)
    assert is_cube_id(there)
    assert (uuid.UUID(there).version, uuid.UUID(there).variant) == (8, uuid.RFC_4122)
    others = {id_within("acme/trave", first), id_within("acme/travel", str(uuid.uuid4())), first}
    assert len(others | {there}) == 4


def test_ids_under_a_namespace_keep_their_order() -> None:
    identities = Identities()
    made = [identities.new(NOW) for _ in range(5_000)]
    there = [id_within("acme", one) for one in made]
    assert there == sorted(there)
    assert len(set(there)) == len(made)
