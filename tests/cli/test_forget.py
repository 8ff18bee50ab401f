"""``forget``, and what it leaves: ``certificates`` and ``tombstones``."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from memos import MemOS

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.cli.conftest import Memos

ABSENT = "01a20694-689b-7602-ad19-70f21d43272d"


def test_what_is_forgotten_is_gone(memos: Memos, remembered: list[str]) -> None:
    assert memos("forget", remembered[0], "--yes", "-q").ids == [remembered[0]]
    memos("get", remembered[0], code=3)
    assert memos("ls", "-q").ids == remembered[1:]


def test_forgetting_takes_ids_from_stdin(memos: Memos, remembered: list[str]) -> None:
    memos("forget", "-", "--yes", typed="\n".join(remembered[:2]))
    assert memos("ls", "-q").ids == remembered[2:]


def test_forgetting_takes_a_user_or_a_condition(memos: Memos, remembered: list[str]) -> None:
    assert memos("forget", "--user", "bob", "--yes", "-q").ids == remembered[2:]
    assert memos("forget", "--where", "labels=home", "--yes", "-q").ids == remembered[:1]


def test_an_unknown_id_among_others_forgets_nothing(memos: Memos, remembered: list[str]) -> None:
    memos("forget", remembered[0], ABSENT, "--yes", code=3)
    assert memos("ls", "-q").ids == remembered


def test_a_dry_run_shows_what_would_go_and_forgets_nothing(
    memos: Memos, remembered: list[str]
) -> None:
    result = memos("forget", "--user", "alice", "--dry-run")
    assert [row["id"] for row in result.rows[0]["cubes"]] == remembered[:2]
    assert "would forget 2 cubes" in result.stderr
    assert memos("ls", "-q").ids == remembered


def test_without_a_terminal_and_without_yes_nothing_is_forgotten(
    memos: Memos, remembered: list[str]
) -> None:
    result = memos("forget", remembered[0], code=2)
    assert "no terminal to ask on" in result.stderr
    assert "--yes" in result.stderr
    assert memos("ls", "-q").ids == remembered


def test_forgetting_nothing_in_particular_is_refused(memos: Memos, remembered: list[str]) -> None:
    memos("forget", "--yes", code=2)
    memos("forget", remembered[0], "--all", "--yes", code=2)
    memos("forget", "--user", "bob", "--all", "--yes", code=2)
    memos("forget", remembered[0], "--where", "labels=home", "--yes", code=2)
    memos("forget", *remembered, "--if-version", "1", "--yes", code=2)
    assert memos("ls", "-q").ids == remembered
    assert "nothing to forget" in memos("forget", "-", "--yes", typed="").stderr
    assert "nothing to forget" in memos("forget", "--user", "nobody", "--yes").stderr


def test_an_empty_user_is_refused_and_does_not_mean_everybody(
    memos: Memos, remembered: list[str]
) -> None:
    memos("forget", "--user", "", "--where", "version=1", "--yes", code=2)
    memos("--user", "alice", "forget", "--user", "", "--yes", code=2)
    memos("search", "tea", "--user", "", code=2)
    assert memos("ls", "-q").ids == remembered


def test_everything_can_be_forgotten(memos: Memos, remembered: list[str]) -> None:
    assert sorted(memos("forget", "--all", "--yes", "-q").ids) == sorted(remembered)
    assert memos("ls", "-q").ids == []


def test_forgetting_takes_what_was_read_from_a_file(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    (folder / "notes.txt").write_text("Carol sails.\nCarol swims.\n")
    read = memos("add", "-f", "notes.txt", "--lines", "-u", "carol", "-q").ids
    memos("add", "-", "-u", "carol", typed="Carol sings.")
    assert memos("forget", "--source", "notes.txt", "--yes", "-q").ids == read
    assert len(memos("forget", "--source", "stdin:", "--user", "carol", "--yes", "-q").ids) == 1
    assert memos("ls", "-q").ids == remembered
    nothing = memos("forget", "--source", "notes.txt", "--yes").stderr
    assert (folder / "notes.txt").as_uri() in nothing
    memos("forget", "--source", "", "--yes", code=2)
    memos("forget", "--source", "a\0b", "--yes", code=2)
    memos("forget", remembered[0], "--source", "notes.txt", "--yes", code=2)


def test_the_same_text_goes_along_unless_it_is_to_be_kept(
    memos: Memos, remembered: list[str]
) -> None:
    again = memos("add", "Alice moved to Lisbon.", "-u", "alice", "-q").ids[0]
    asked = ("forget", remembered[0], "--dry-run", "-o", "table")
    shown = memos(*asked).stdout
    assert again in shown
    assert f"same as …{remembered[0][-6:]}" in shown
    assert again not in memos(*asked, "--keep-duplicates").stdout
    assert memos("forget", remembered[0], "--keep-duplicates", "--yes", "-q").ids == remembered[:1]
    assert again in memos("ls", "-q").ids


def test_forgetting_another_version_is_a_conflict(memos: Memos, remembered: list[str]) -> None:
    memos("forget", remembered[0], "--if-version", "7", "--yes", code=4)
    assert memos("ls", "-q").ids == remembered
    memos("forget", remembered[0], "--if-version", "1", "--yes")
    assert memos("ls", "-q").ids == remembered[1:]


def test_what_is_under_legal_hold_stays_with_all_that_should_go_with_it(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    with MemOS.open(folder / "memory", embedder="hash") as mem:
        mem.hold(remembered[1])
    result = memos("forget", "--user", "alice", "--yes", code=4)
    assert remembered[1] in result.stderr
    assert remembered[1] in memos("forget", "--user", "alice", "--dry-run", code=4).stderr
    assert "hint:" in result.stderr
    assert memos("ls", "-q").ids == remembered
    assert memos("certificates").rows == []


def test_who_may_only_read_forgets_nothing(memos: Memos, remembered: list[str]) -> None:
    memos("grant", "agent:planner", "read", "--user", "alice")
    memos("forget", remembered[0], "--yes", "--as", "agent:planner", code=5)
    memos("forget", remembered[2], "--yes", "--as", "agent:planner", code=3)
    assert memos("ls", "-q").ids == remembered


def test_a_forgetting_leaves_a_certificate_and_tombstones_without_content(
    memos: Memos, remembered: list[str]
) -> None:
    done = memos("forget", *remembered[:2], "--yes", "--reason", "she asked", "--as", "user:alice")
    certificate = done.rows[0]["certificate"]
    (told,) = memos("certificates").rows
    assert (told["id"], told["body"]["by"], told["body"]["reason"]) == (
        certificate,
        "user:alice",
        "she asked",
    )
    stones = memos("tombstones").rows
    assert {stone["cube_id"] for stone in stones} == set(remembered[:2])
    assert {stone["certificate"] for stone in stones} == {certificate}
    for words in (("certificates",), ("certificates", certificate), ("tombstones",)):
        shown = memos(*words, "-o", "table").stdout
        assert certificate in shown
        assert "user:alice" in shown
        assert "Lisbon" not in shown + memos(*words, "--json").stdout
    page = memos("certificates", certificate, "-o", "table").stdout
    assert "she asked" in page
    assert remembered[0] in page


def test_after_forgetting_a_person_is_told_the_certificate(
    memos: Memos, remembered: list[str]
) -> None:
    result = memos("forget", remembered[0], "--yes", "-o", "table")
    assert memos("certificates", "-q").ids[0] in result.stdout
    assert "Lisbon" not in result.stdout


def test_where_nothing_was_forgotten_there_are_no_certificates(
    memos: Memos, remembered: list[str]
) -> None:
    memos("forget", "--user", "nobody", "--yes")
    for name in ("certificates", "tombstones"):
        assert memos(name).rows == []
        assert "nothing was forgotten yet" in memos(name, "-o", "table").stderr
        memos(name, "--as", "user:alice", code=5)
    memos("certificates", ABSENT, code=3)


def test_a_certificate_that_was_tampered_with_is_damage(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    memos("forget", remembered[0], "--yes")
    with sqlite3.connect(folder / "memory" / "catalog.db") as database:
        database.execute("UPDATE certificates SET body = '[]'")
    database.close()
    result = memos("certificates", "-o", "table", code=6)
    assert "not what was written" in result.stderr


def test_the_tables_fit_eighty_columns_with_their_ids_in_full(
    memos: Memos, remembered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    commands = (
        ("forget", *remembered, "--dry-run"),
        ("grants",),
        ("audit", "tail"),
        ("forget", *remembered, "--yes"),
        ("tombstones",),
        ("certificates",),
    )
    memos("grant", "agent:" + "a" * 90, "read", "--id", remembered[0])
    for words in commands:
        shown = memos(*words, "-o", "table").stdout
        assert max(len(line) for line in shown.splitlines()) <= 80
        if words[0] in {"tombstones", "grants"} or "--dry-run" in words:
            assert remembered[0] in shown


def test_a_verified_forgetting_says_what_was_searched(memos: Memos, remembered: list[str]) -> None:
    result = memos("forget", remembered[0], "--yes", "--verify")
    verified = result.rows[0]["verified"]
    assert verified["traces"] == []
    assert verified["searched_bytes"] > 0
    assert memos("certificates").rows[0]["body"]["verified"] == verified
    shown = memos("certificates", result.rows[0]["certificate"], "-o", "table").stdout
    assert "every byte" in shown
    assert "nothing" in shown
    assert "1 cube, verified" in memos("certificates", "-o", "table").stdout


def test_a_trace_that_is_found_after_all_is_an_integrity_problem(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    (folder / "memory" / "stray.txt").write_text("a note: Alice moved to Lisbon.")
    result = memos("forget", remembered[0], "--yes", "--verify", "-o", "table", code=6)
    assert "stray.txt" in result.stdout
    assert "found after all" in result.stderr
    assert "Lisbon" not in result.stdout + result.stderr
    memos("get", remembered[0], code=3)
    assert "1 trace found" in memos("certificates", "-o", "table").stdout


def test_one_json_object_tells_what_went(memos: Memos, remembered: list[str]) -> None:
    answer = json.loads(memos("forget", remembered[0], "--yes", "--json").stdout)
    assert answer["schema"] == "agent-memos/forgotten/1"
    assert answer["data"]["cubes"][0]["tie"] == "asked"
    assert answer["data"]["rows"]["versions"] == 1


def test_a_certificate_that_cannot_be_read_leads_to_the_check(
    memos: Memos, remembered: list[str], folder: Path
) -> None:
    memos("forget", remembered[0], "--yes")
    for body in ("{", "[]"):
        with closing(sqlite3.connect(folder / "memory" / "catalog.db")) as database:
            database.execute("UPDATE certificates SET body = ?", [body])
            database.commit()
        assert "memos check" in memos("certificates", "-o", "table", code=6).stderr
        (problem,) = memos("check", code=6).rows[0]["problems"]
        assert problem["code"] == "altered-certificate"
