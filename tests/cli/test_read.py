"""``search``, ``get``, ``ls``, ``history`` and ``lineage``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.cli.conftest import Memos


def test_a_search_finds_the_best_first_with_the_reasons(
    memos: Memos, remembered: list[str]
) -> None:
    found = memos("search", "who moved to Lisbon?", "-k", "2").rows
    assert found[0]["cube"]["cube"]["header"]["id"] == remembered[0]
    assert set(found[0]) == {"score", "parts", "superseded", "links", "cube"}
    assert len(found) == 2


def test_a_search_stays_within_the_scope_and_the_conditions(
    memos: Memos, remembered: list[str]
) -> None:
    assert memos("search", "Lisbon", "--user", "bob", "-q").ids == remembered[2:]
    assert memos("search", "tea", "--where", "metadata.year=2024", "-q").ids == remembered[:1]
    given = '{"labels": {"contains": "home"}}'
    assert memos("search", "tea", "--filter", given, "-q").ids == remembered[:1]


def test_a_search_may_be_read_from_stdin(memos: Memos, remembered: list[str]) -> None:
    assert memos("search", "-", "-q", "-k", "1", typed="Lisbon").ids == remembered[:1]


def test_a_search_that_finds_nothing_is_an_empty_answer(
    memos: Memos, remembered: list[str]
) -> None:
    answer = json.loads(memos("search", "tea", "--user", "nobody", "--json").stdout)
    assert answer == {"schema": "agent-memos/hits/1", "data": []}


def test_a_table_names_scores_people_and_full_ids(memos: Memos, remembered: list[str]) -> None:
    shown = memos("search", "Lisbon", "-k", "1", "-o", "table", "--explain").stdout
    assert remembered[0] in shown
    assert "Alice moved to Lisbon." in shown
    assert "vectors" in shown
    assert "█" in shown


def test_cubes_are_got_by_id_also_from_stdin(memos: Memos, remembered: list[str]) -> None:
    assert memos("get", remembered[2]).texts == ["Bob likes tea."]
    assert memos("get", "-", "-q", typed="\n".join(remembered)).ids == remembered
    memos("get", code=2)
    memos("get", remembered[2], "--user", "alice", code=3)
    memos("get", remembered[2], "--version", "2", code=3)
    memos("get", "no-id", code=2)


def test_a_cube_is_shown_with_what_is_known_of_it(memos: Memos, remembered: list[str]) -> None:
    shown = memos("get", remembered[0], "-o", "table").stdout
    for fact in (remembered[0], "plaintext, version 1", "alice", "home", '{"year": 2024}'):
        assert fact in shown


def test_a_list_is_in_order_and_can_be_read_page_by_page(
    memos: Memos, remembered: list[str]
) -> None:
    assert memos("ls", "-q").ids == remembered
    assert memos("ls", "-q", "--newest", "-n", "1").ids == remembered[2:]
    assert memos("ls", "-q", "--after", remembered[0]).ids == remembered[1:]


def test_a_list_is_narrowed_by_kind_scope_and_condition(
    memos: Memos, remembered: list[str]
) -> None:
    assert memos("ls", "-q", "--user", "bob").ids == remembered[2:]
    assert memos("ls", "-q", "--kind", "parametric").ids == []
    assert memos("ls", "-q", "--where", "valid_from>=2024-04-01").ids == remembered[1:2]
    memos("ls", "--kind", "sculpture", code=2)
    memos("ls", "--where", "colour=red", code=2)


def test_a_table_says_that_there_is_more(memos: Memos, remembered: list[str]) -> None:
    result = memos("ls", "-o", "table", "-n", "2")
    assert remembered[1] in result.stdout
    assert remembered[2] not in result.stdout
    assert f"--after {remembered[1]}" in result.stderr


def test_what_a_memory_holds_cannot_steer_the_terminal(memos: Memos) -> None:
    cube_id = memos("add", "red \x1b[31m alert \x07", "-q").ids[0]
    for words in (("ls",), ("get", cube_id), ("search", "alert"), ("history", cube_id)):
        assert "\x1b[31m" not in memos(*words, "-o", "table").stdout
    assert "\\u001b" in memos("get", cube_id).stdout


def test_the_history_of_a_cube_is_a_table_of_versions(memos: Memos, remembered: list[str]) -> None:
    memos("update", remembered[0], "Alice moved to Porto.")
    shown = memos("history", remembered[0], "-o", "table").stdout
    assert shown.index("Lisbon") < shown.index("Porto")
    assert "update" in shown


def test_the_lineage_of_a_text_ends_at_its_source(memos: Memos) -> None:
    cube_id = memos("add", "-", "-q", typed="tea").ids[0]
    assert "stdin:" in memos("lineage", cube_id, "-o", "table").stdout
    answer = json.loads(memos("lineage", cube_id, "--json").stdout)
    assert (answer["schema"], answer["data"]["ancestors"]) == ("agent-memos/lineage/1", [])


def test_a_listing_takes_a_number_that_makes_sense(memos: Memos, remembered: list[str]) -> None:
    for number in ("0", "-1", "many", "9" * 20):
        memos("ls", "--limit", number, code=2)
    assert "at least 1" in memos("ls", "-n", "0", code=2).stderr
    assert "at least 1" in memos("audit", "tail", "-n", "0", code=2).stderr


def test_a_table_tells_a_state_that_is_not_usual(memos: Memos, remembered: list[str]) -> None:
    assert "state" not in memos("ls", "-o", "table").stdout
    memos("archive", remembered[0])
    memos("freeze", remembered[1])
    for words in (("ls",), ("get", *remembered)):
        lines = memos(*words, "-o", "table").stdout.splitlines()
        shown = {one: line for one in remembered for line in lines if one in line}
        assert "archived" in shown[remembered[0]]
        assert "frozen" in shown[remembered[1]]
        assert "activated" not in shown[remembered[2]]
