"""The seal opens with its own key only, tells damage from a wrong key, and is replaced whole."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest

from memos.cube.identity import canonical, digest_of
from memos.errors import (
    BadSetting,
    CorruptionError,
    MissingKey,
    NotFound,
    OtherVersion,
    WrongKey,
)
from memos.stores.engine_sqlite import open_engine
from memos.stores.folder import Folder
from memos.stores.key_changes import rotate
from memos.stores.keys import SIZE, Keys, MasterKey
from memos.stores.schema import upgrade
from memos.stores.seal import find_seal, refuse_sealed, require_sealed, unlocked

if TYPE_CHECKING:
    from pathlib import Path

MASTER = MasterKey.fresh()
FIELDS = ("catalog", "vectors", "blobs", "names", "audit")


def every_key(keys: Keys) -> list[bytes]:
    return [getattr(keys, name) for name in FIELDS]


def test_a_key_is_read_as_it_was_written_and_does_not_show_itself() -> None:
    assert MasterKey.read(f" {MASTER.text}\n", where="here") == MASTER
    assert MasterKey.read(f"{MASTER.text}=", where="here") == MASTER
    assert len(MASTER.text) == 43
    assert repr(MASTER) == str(MASTER) == "MasterKey()"
    assert str(MASTER.content) not in f"{MASTER!r}"


@pytest.mark.parametrize(
    "text", ["", "x", MASTER.text[:-1], MASTER.text + "A", "é" * 43, "!" * 43, MASTER.content.hex()]
)
def test_what_is_no_key_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadSetting, match="here is no key") as caught:
        MasterKey.read(text, where="here")
    assert len(text) < 2 or text not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_keys_of_a_store_differ_from_each_other_and_from_those_of_any_other_store(
    tmp_path: Path,
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one, two = unlocked(tmp_path / "one", MASTER), unlocked(tmp_path / "two", MASTER)
    known = [*every_key(one), *every_key(two), MASTER.content]
    assert len(set(known)) == len(known)
    assert {len(key) for key in known} == {SIZE}
    assert not any(key.hex() in repr(one) or str(key) in repr(one) for key in every_key(one))


def test_a_store_has_the_same_keys_whenever_it_is_opened(tmp_path: Path) -> None:
    assert every_key(unlocked(tmp_path, MASTER)) == every_key(unlocked(tmp_path, MASTER))
    assert (tmp_path / "sealed.json").stat().st_mode & 0o777 == 0o600
    assert MASTER.text not in (tmp_path / "sealed.json").read_text()


def test_another_key_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    unlocked(tmp_path, MASTER)
    before = (tmp_path / "sealed.json").read_bytes()
    with pytest.raises(WrongKey, match=str(tmp_path)):
        unlocked(tmp_path, MasterKey.fresh())
    assert (tmp_path / "sealed.json").read_bytes() == before


def test_damage_is_not_taken_for_a_wrong_key(tmp_path: Path) -> None:
    unlocked(tmp_path, MASTER)
    path = tmp_path / "sealed.json"
    whole = path.read_bytes()
    for place in range(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 1
        path.write_bytes(broken)
        with pytest.raises(CorruptionError, match=r"sealed\.json"):
            unlocked(tmp_path, MASTER)
    for content in (b"", b"[]", b"{}", b"null", b'"a"', b"\xff", whole[:-1], b"[[1, 2]]"):
        path.write_bytes(content)
        with pytest.raises(CorruptionError, match=r"sealed\.json"):
            find_seal(tmp_path)


def test_a_seal_of_another_format_is_not_called_damaged(tmp_path: Path) -> None:
    unlocked(tmp_path, MASTER)
    path = tmp_path / "sealed.json"
    fields = {"format": 2, "news": "to come"}
    path.write_text(json.dumps({**fields, "digest": digest_of(canonical(fields))}))
    with pytest.raises(OtherVersion, match="format 2"):
        find_seal(tmp_path)


def test_a_plain_store_is_not_sealed_and_the_hint_says_how_to_convert_it(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "catalog.db")
    upgrade(engine)
    engine.dispose()
    with pytest.raises(BadSetting, match="not encrypted") as caught:
        unlocked(tmp_path, MASTER)
    assert "memos export" in caught.value.hint
    assert "memos import" in caught.value.hint
    refuse_sealed(tmp_path)
    assert not (tmp_path / "sealed.json").exists()


def test_an_encrypted_store_is_not_opened_without_a_key(tmp_path: Path) -> None:
    unlocked(tmp_path, MASTER)
    with pytest.raises(MissingKey, match="no key is configured"):
        refuse_sealed(tmp_path)


def test_an_encrypted_catalog_without_its_seal_is_not_taken_for_a_plain_one(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "catalog.db", key=secrets.token_bytes(SIZE))
    upgrade(engine)
    engine.dispose()
    for look in (refuse_sealed, require_sealed, find_seal):
        with pytest.raises(CorruptionError, match=r"sealed\.json"):
            look(tmp_path)


def test_what_a_crash_left_of_a_seal_is_no_seal_and_not_in_the_way(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "sealed.json.part").write_bytes(b"ha")
    home = Folder.open(folder, lock_seconds=0)
    keys = unlocked(folder, MASTER)
    home.release()
    home = Folder.open(folder, lock_seconds=0)
    assert every_key(unlocked(folder, MASTER)) == every_key(keys)
    home.release()


def test_another_master_key_opens_the_same_store_and_the_old_one_no_more(tmp_path: Path) -> None:
    keys, new = unlocked(tmp_path, MASTER), MasterKey.fresh()
    with pytest.raises(WrongKey):
        rotate(tmp_path, new, MASTER, in_keyring=False)
    rotate(tmp_path, MASTER, new, in_keyring=False)
    assert every_key(unlocked(tmp_path, new)) == every_key(keys)
    with pytest.raises(WrongKey):
        unlocked(tmp_path, MASTER)


def test_where_no_store_is_no_key_is_changed(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no store"):
        rotate(tmp_path, MASTER, MasterKey.fresh(), in_keyring=False)
    assert list(tmp_path.iterdir()) == []
