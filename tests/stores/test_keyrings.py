"""Keys in the system's keyring: one for each store, found by the name in its seal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import PasswordDeleteError

from memos.errors import (
    BackendError,
    BadSetting,
    Conflict,
    MissingKey,
    MissingLibrary,
    StoreLocked,
    WrongKey,
)
from memos.stores.folder import Folder
from memos.stores.key_changes import begin_in_keyring, rotate
from memos.stores.keyrings import SERVICE, drop_key, find_key, put_key
from memos.stores.keys import Keys, MasterKey
from memos.stores.master_key import key_of_keyring
from memos.stores.seal import unlocked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MASTER = MasterKey.fresh()


class KeyringInMemory(KeyringBackend):
    """A keyring like any other, for as long as it lasts."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError(username)


@pytest.fixture(autouse=True)
def ring() -> Iterator[KeyringInMemory]:
    before = keyring.get_keyring()
    ring = KeyringInMemory()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def open_store(folder: Path) -> Keys:
    return unlocked(folder, key_of_keyring(folder))


def test_a_key_is_kept_under_its_name_until_it_is_dropped(ring: KeyringInMemory) -> None:
    assert find_key("a") is None
    put_key("a", "secret")
    assert ring.kept == {(SERVICE, "a"): "secret"}
    assert find_key("a") == "secret"
    drop_key("a")
    drop_key("a")
    assert find_key("a") is None


def test_a_store_that_was_begun_in_the_keyring_opens_with_its_own_key(
    tmp_path: Path, ring: KeyringInMemory
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    begin_in_keyring(one, MASTER, lock_seconds=0)
    begin_in_keyring(two, MasterKey.fresh(), lock_seconds=0)
    assert key_of_keyring(one) == MASTER
    assert open_store(one).catalog != open_store(two).catalog
    assert len(ring.kept) == 2


def test_a_store_has_one_key(tmp_path: Path, ring: KeyringInMemory) -> None:
    begin_in_keyring(tmp_path / "store", MASTER, lock_seconds=0)
    with pytest.raises(Conflict, match="has a key already"):
        begin_in_keyring(tmp_path / "store", MASTER, lock_seconds=0)
    assert len(ring.kept) == 1
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "catalog.db").touch()
    with pytest.raises(BadSetting, match="not encrypted"):
        begin_in_keyring(tmp_path / "plain", MASTER, lock_seconds=0)
    assert len(ring.kept) == 1


def test_a_store_in_use_is_given_no_key(tmp_path: Path, ring: KeyringInMemory) -> None:
    home = Folder.open(tmp_path / "store", lock_seconds=0)
    with pytest.raises(StoreLocked):
        begin_in_keyring(tmp_path / "store", MASTER, lock_seconds=0)
    home.release()
    assert ring.kept == {}


def test_a_key_that_is_gone_or_wrong_is_told(tmp_path: Path, ring: KeyringInMemory) -> None:
    folder = tmp_path / "store"
    with pytest.raises(MissingKey, match="no key for a store") as caught:
        key_of_keyring(folder)
    assert "--keyring" in caught.value.hint
    assert not folder.exists()
    begin_in_keyring(folder, MASTER, lock_seconds=0)
    ((service, name),) = ring.kept
    ring.kept[service, name] = MasterKey.fresh().text
    with pytest.raises(WrongKey):
        key_of_keyring(folder)
    ring.kept[service, name] = "nonsense"
    with pytest.raises(BadSetting, match=name):
        key_of_keyring(folder)
    ring.kept.clear()
    with pytest.raises(MissingKey, match=name):
        key_of_keyring(folder)


def test_a_key_that_is_replaced_leaves_the_store_as_it_was(
    tmp_path: Path, ring: KeyringInMemory
) -> None:
    folder = tmp_path / "store"
    begin_in_keyring(folder, MASTER, lock_seconds=0)
    before, new = open_store(folder), MasterKey.fresh()
    rotate(folder, MASTER, new, in_keyring=True)
    assert key_of_keyring(folder) == new
    assert open_store(folder).catalog == before.catalog
    assert list(ring.kept.values()) == [new.text]


@pytest.mark.parametrize("step", ["set_password", "delete_password"])
def test_a_crash_while_a_key_is_replaced_leaves_a_store_that_opens(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store"
    begin_in_keyring(folder, MASTER, lock_seconds=0)
    before = open_store(folder)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(KeyringInMemory, step, crash)
        with pytest.raises(KeyboardInterrupt):
            rotate(folder, MASTER, MasterKey.fresh(), in_keyring=True)
    assert open_store(folder).catalog == before.catalog


def test_a_seal_that_cannot_be_written_leaves_the_old_key_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store"
    begin_in_keyring(folder, MASTER, lock_seconds=0)
    before = open_store(folder)
    (folder / "sealed.json.part").mkdir()  # in the way of what is written first
    with pytest.raises(BackendError, match="seal"):
        rotate(folder, MASTER, MasterKey.fresh(), in_keyring=True)
    assert open_store(folder).catalog == before.catalog


def test_where_there_is_no_keyring_nothing_is_begun(tmp_path: Path) -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    with pytest.raises(BackendError, match="keyring cannot be used") as caught:
        begin_in_keyring(tmp_path / "store", MASTER, lock_seconds=0)
    assert "AGENT_MEMOS_KEY" in caught.value.hint
    assert MASTER.text not in str(caught.value)
    assert not (tmp_path / "store").exists()


def test_without_the_library_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setitem(sys.modules, "keyring.errors", None)
    with pytest.raises(MissingLibrary) as caught:
        find_key("a")
    assert "agent-memos[keyring]" in caught.value.hint
