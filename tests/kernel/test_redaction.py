"""Who may read a sensitive memory, but not see it whole, is shown it redacted, by every way out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from memos import Kind, MemCube, MemOS, Right
from memos.errors import Forbidden

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "alice@example.org"
TEXT = f"Write to {ADDRESS} about the garden."


@pytest.fixture
def cube(mem: MemOS) -> MemCube:
    (made,) = mem.add(
        TEXT, user_id="alice", sensitivity="confidential", metadata={"reply": ADDRESS}
    )
    mem.grant("agent:reader", Right.READ, user_id="alice")
    return made


@pytest.fixture
def reader(mem: MemOS) -> MemOS:
    return mem.acting("agent:reader")


def test_every_way_out_is_redacted(mem: MemOS, cube: MemCube, reader: MemOS) -> None:
    kv = mem.transform([cube.id], to=Kind.ACTIVATION)
    ways = [
        reader.get(cube.id),
        reader.search("the garden")[0].cube,
        *(one for one in reader.get_all() if one.id == cube.id),
        *reader.history(cube.id),
        *(one.cube for one in reader.lineage(kv.id).ancestors),
    ]
    assert len(ways) == 5
    for shown in ways:
        assert ADDRESS not in shown.model_dump_json()
        assert "[email]" in shown.text
        assert shown.header.governance.redacted


def test_owners_and_administrators_see_it_whole(mem: MemOS, cube: MemCube, reader: MemOS) -> None:
    assert mem.acting("user:alice").get(cube.id) == cube
    assert mem.get(cube.id) == cube
    mem.grant("agent:reader", Right.ADMINISTER, id=cube.id)
    assert reader.get(cube.id) == cube


def test_nothing_carries_it_past_its_redaction(
    mem: MemOS, cube: MemCube, reader: MemOS, tmp_path: Path
) -> None:
    mem.grant("agent:reader", [Right.WRITE, Right.SHARE, Right.FORGET], user_id="alice")
    kv = mem.transform([cube.id], to=Kind.ACTIVATION)
    assert kv.header.governance.sensitivity == "confidential"
    for carry in (
        lambda: reader.transform([cube.id], to=Kind.ACTIVATION),
        lambda: reader.chat("Where?", memories=[kv.id], max_tokens=1),
        lambda: reader.export_to(tmp_path / "out.zip"),
    ):
        with pytest.raises(Forbidden, match="only redacted"):
            carry()
    assert not (tmp_path / "out.zip").exists()
    told = reader.forget(cube.id, dry_run=True)
    assert ADDRESS not in told.model_dump_json()
    assert reader.chat("Where?", memories=[cube.id], max_tokens=1).prompt_tokens > 0


def test_what_is_not_sensitive_is_shown_as_it_is(mem: MemOS, reader: MemOS, cube: MemCube) -> None:
    (plain,) = mem.add(TEXT, user_id="alice")
    assert reader.get(plain.id) == plain
    assert cube.id != plain.id


def test_what_is_classified_later_is_redacted_in_its_past_too(mem: MemOS, reader: MemOS) -> None:
    mem.grant("agent:reader", Right.READ, user_id="alice")
    (cube,) = mem.add(TEXT, user_id="alice")
    before = cube.created_at
    mem.update(cube.id, "Nothing to see here.")
    assert reader.get(cube.id, version=1) == cube
    mem.classify(cube.id, "secret")
    for shown in (
        reader.get(cube.id, version=1),
        reader.history(cube.id)[0],
        reader.at(before).get(cube.id),
    ):
        assert ADDRESS not in shown.model_dump_json()


@pytest.mark.parametrize(
    "filters",
    [
        {"text": {"contains": "to alice@"}},
        {"not": {"text": {"contains": "to bob@"}}},
        {"or": [{"title": {"gt": "Write to a"}}, {"title": "x"}]},
        {"metadata.reply": ADDRESS},
        {"metadata.reply": {"ne": "x"}},
        {"labels": "x"},
        {"source": {"ne": None}},
    ],
    ids=str,
)
def test_no_filter_guesses_what_is_hidden(
    mem: MemOS, reader: MemOS, filters: dict[str, Any]
) -> None:
    (normal,) = mem.add(TEXT, user_id="alice", metadata={"reply": ADDRESS}, labels=["x"],
                        source="file:///diary")  # fmt: skip
    (secret,) = mem.add(TEXT, user_id="alice", metadata={"reply": ADDRESS}, labels=["x"],
                        source="file:///diary", sensitivity="secret")  # fmt: skip
    mem.grant("agent:reader", [Right.READ, Right.FORGET, Right.SHARE], user_id="alice")
    then = mem.at(secret.created_at)
    mem.classify(normal.id, "confidential")
    (harmless,) = mem.add(TEXT, user_id="alice", metadata={"reply": ADDRESS}, labels=["x"],
                          source="file:///diary")  # fmt: skip
    past = reader.at(secret.created_at)
    assert [cube.id for cube in reader.get_all(filters=filters)] == [harmless.id]
    assert [hit.cube.id for hit in reader.search("garden", filters=filters)] == [harmless.id]
    assert reader.delete_all(filters=filters, dry_run=True).ids == (harmless.id,)
    assert past.get_all(filters=filters) == []
    assert past.search("garden", filters=filters) == []
    assert len(then.get_all(filters=filters)) == 2
    for whole in (mem, mem.acting("user:alice")):
        assert len(whole.get_all(filters=filters)) == 3
    assert len(reader.get_all(filters={"created_at": {"gt": "2001-01-01"}})) == 3


def test_no_reason_quotes_what_is_hidden_nor_says_that_it_led_to_another(
    mem: MemOS, reader: MemOS
) -> None:
    mem.grant("agent:reader", Right.READ, user_id="alice")
    (secret,) = mem.add(
        {"title": "Garden", "text": f"Write to {ADDRESS}, says Ann Dee, on 7 May 2023."},
        user_id="alice",
        sensitivity="confidential",
    )
    (beside,) = mem.add({"title": "Ann Dee", "text": "She was an engineer."}, user_id="alice")
    asked = "Whom to write to about the garden in May 2023?"
    for past in (False, True):
        ways = [me.at(beside.created_at) if past else me for me in (mem, reader)]
        whole, seen = ({hit.cube.id: hit for hit in me.search(asked)} for me in ways)
        assert whole[secret.id].why["title"] == "the question names garden"
        assert whole[beside.id].why["graph"] == secret.id
        assert seen[secret.id].cube.header.governance.redacted
        assert seen[secret.id].parts == whole[secret.id].parts
        assert seen[secret.id].why == {}
        assert seen[beside.id].why == {
            part: reason for part, reason in whole[beside.id].why.items() if part != "graph"
        }
