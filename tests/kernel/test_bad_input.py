"""Whatever a call is given: it is done, or it is an error of our tree and nothing has changed."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from contextlib import chdir
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from memos import MemOS
from memos.cube import EVERYBODY
from memos.errors import BadInput, MemosError
from memos.kernel import Kernel
from memos.kernel.view import View
from memos.ports.catalog import Change, Selection
from memos.ports.journal import Audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from memos.config import Settings

EXAMPLES = 1_200
NO_CALLS = {"close"}
"""It takes nothing."""
OWN: dict[str, dict[str, Any]] = {"ingest": {"source": [{"role": "user", "content": "a word"}]}}
"""Values that would do for one call alone."""


class Rude:
    """An object that does not want to be read."""

    def __str__(self) -> str:
        raise RuntimeError("not to be read")


class Words(dict[str, Any]):
    """A mapping that is not quite a dict."""


class Name(str):
    """A text that is not quite a str."""

    __slots__ = ()


def nested(depth: int, *, as_list: bool = False) -> Any:
    """A thing in a thing in a thing."""
    value: Any = 1
    for _ in range(depth):
        value = [value] if as_list else {"not": value}
    return value


NASTY: list[Any] = [
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**100, 10**5000, -(2**63) - 1, 0.5, -0.0, math.nan,
    math.inf, -math.inf, 1e308, 1j, Decimal(1), b"", b"bytes", bytearray(b"x"), "", " ", "\0",
    "a\0b", "\ud800", "x\udfff", "\u202e", "\U0010ffff", "x" * 10_000, "x" * 1_000_001, "1", "-1",
    "nan", "\n", "../../etc", "user:", "user:a", "agent:" + "x" * 600, ":", "read", "plaintext",
    "disk", "a/b", "%s", "'; DROP TABLE cubes; --", "[", "{}", "null", Name("text"), [], (), {},
    set(), frozenset({1}), [None], [[]], ["\ud800"], ["x"] * 40_000, [1, "a"], [True], {"": 1},
    {1: 2},
    {"a": {1}}, {"a": math.nan}, {"content": "x", "role": 1}, [{"content": "x"}, "y"], Words(a=1),
    Words(content=Name("x")), nested(40), nested(400), nested(3000), nested(3000, as_list=True),
    {"text": {"contains": "\ud800"}}, {"id": {"in": ["x"] * 40_000}}, {"id": {"in": []}},
    {"created_at": {"gt": math.nan}}, {"created_at": "0001-01-01T00:00:00+23:59"},
    {"version": 2**70}, {"version": {"in": [1, "x", None]}}, {'metadata.a"b': 1},
    {"metadata.a.b.$[0]": "x"}, {"metadata.x": {"eq": [1, {"a": 2}]}}, {"metadata.x": {"eq": {}}},
    {"metadata.\0": 1}, {"metadata.x": 2**70}, {"metadata.x": "\ud800"}, {"labels": {"gt": 1}},
    {"or": [{"text": "x"}] * 2_000}, {"text": Rude()}, {"nothing": 1}, {"and": "x"},
    {"text": {"contains": "%" * 60_000}}, {"text": {"like": "x"}}, {"user_id": 1},
    {"user_id": "\ud800"}, {"name": "x"}, object(), Rude(), Rude, len, iter([1]), range(3),
    date(2024, 1, 1), datetime(2024, 1, 1), datetime.min, datetime.max,  # noqa: DTZ001, DTZ901
    datetime(9999, 12, 31, 23, 59, tzinfo=timezone(-timedelta(hours=23))),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23))), timedelta(1),
    "10000-01-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2024-02-30",
    Path("\0"), Path("x" * 5000), Path("/"), Path("/dev/null/x"), "/dev/null/x", Path(),
]  # fmt: skip


def fitting(mem: MemOS, cube_id: str, folder: Path) -> dict[str, Any]:
    """A value for every parameter of every call that would do, by the parameter's name."""
    return {
        "id": cube_id,
        "ids": [cube_id],
        "memories": [cube_id],
        **dict.fromkeys(("content", "text", "query", "question", "name", "description"), "a word"),
        **dict.fromkeys(("reason", "source", "licence", "title", "label", "call"), "a word"),
        "new": "another word",
        **dict.fromkeys(("supersede", "as_of", "known_at", "state"), None),
        "include_superseded": False,
        "idempotency_key": None,
        "principal": "agent:a",
        "actor": "agent:a",
        "rights": "read",
        "labels": ["a"],
        "metadata": {"a": 1},
        "filters": {"text": "a word"},
        "path": folder / "file",
        "target": folder / "copy",
        "sign_with": None,
        "trust": None,
        "namespace": "acme",
        "sensitivity": "normal",
        "time": mem._parts.clock.now(),
        **dict.fromkeys(("timestamp", "expires_at", "ttl_seconds", "if_version", "into"), None),
        **dict.fromkeys(("k", "limit", "max_tokens", "version"), 1),
        **dict.fromkeys(("after", "head", "kind", "tokenizer", "previous"), None),
        "budget_tokens": 100,
        "standing": 0.5,
        "number": 1,
        "by": "rules",
        "rewrite": "none",
        "rerank": "none",
        "source_start": 0,
        "format": "auto",
        "views": ["turn"],
        "uri": None,
        "to": "activation",
        **dict.fromkeys(("everything", "force", "repair", "revive", "newest_first", "deep"), False),
        **dict.fromkeys(
            ("allow_unfit", "duplicates", "even_held", "dry_run", "verify", "plain"), False
        ),
        "compose": None,
        "weights": "named",
        "method": "lora",
        "questions": ["a word"],
        "folder": folder / "model",
        **dict.fromkeys(("user_id", "agent_id", "session_id"), None),
    }


def parameters(call: Callable[..., Any]) -> list[str]:
    """What a call can be given, by name; less what it calls: what that raises is the caller's."""
    names: list[str] = []
    for one in inspect.signature(call).parameters.values():
        taken = one.kind is inspect.Parameter.VAR_KEYWORD
        names += ["user_id", "agent_id", "session_id"] if taken else [one.name]
    return [name for name in names if name not in {"self", "progress"}]


CALLS = {name: getattr(Kernel, name) for name in dir(Kernel) if not name.startswith("_")} | {
    f"at.{name}": getattr(View, name) for name in dir(View) if not name.startswith("_")
}
SLOTS = [
    (call, parameter)
    for call, method in CALLS.items()
    if call not in NO_CALLS
    for parameter in parameters(method)
]
"""Every place that a value can be put."""

STATE = text(
    "SELECT (SELECT group_concat(body) FROM versions), (SELECT group_concat(number) FROM grants), "
    "(SELECT group_concat(source || target) FROM edges), (SELECT count(*) FROM outbox), "
    "(SELECT group_concat(id) FROM word_entries), (SELECT count(*) FROM receipts), "
    "(SELECT count(*) FROM tombstones), (SELECT count(*) FROM certificates), "
    "(SELECT count(*) FROM snapshots), (SELECT count(*) FROM installed), "
    "(SELECT group_concat(id || key) FROM trainings)"
)


class Victim:
    """A store with one memory, and a bundle of it."""

    def __init__(self, mem: MemOS, folder: Path) -> None:
        self.mem = mem
        self.folder = folder
        self.engine = mem._parts.catalog._engine  # type: ignore[attr-defined]
        self.told: Counter[str] = Counter()
        self.renew()

    def held(self) -> object:
        """All there is, less the journal."""
        with self.engine.connect() as connection:
            return connection.execute(STATE).one()

    def renew(self) -> None:
        """Put back what a call has changed, for it was allowed to."""
        catalog = self.mem._parts.catalog
        audit = Audit(self.mem._parts.clock.now(), "test", "test", EVERYBODY, ())
        catalog.commit(Change(audit=audit, forget=tuple(catalog.ids(Selection()))))
        self.mem._index.drain()
        (cube,) = self.mem.add("a word", user_id="alice", labels=["a"])
        self.cube_id = cube.id

    def given(self, call: str, bad: dict[str, Any]) -> None:
        """Call with bad values in the place of good ones."""
        before = self.held()
        good = fitting(self.mem, self.cube_id, self.folder) | OWN.get(call, {})
        wanted = inspect.signature(CALLS[call]).parameters.values()
        needed = {
            one.name: good[one.name]
            for one in wanted
            if one.name in good and (one.default is one.empty or one.name == "limit")
        }
        face = self.mem.at(good["time"]) if call.startswith("at.") else self.mem
        outcome = outcome_of(lambda: getattr(face, call.removeprefix("at."))(**(needed | bad)))
        self.told[outcome] += 1
        if self.held() != before:
            self.renew()
            assert outcome == "ok", f"{call}: {outcome}, and yet something changed"


def outcome_of(act: Callable[[], object]) -> str:
    """How a call ends; an error that is none of ours travels."""
    try:
        act()
    except MemosError as error:
        return error.code
    return "ok"


@pytest.fixture(scope="module")
def victim(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    folder = tmp_path_factory.mktemp("bad") / "of" / "files"
    folder.mkdir(parents=True)
    with chdir(folder), MemOS.open(None, settings=settings) as mem:  # some texts are good paths
        yield Victim(mem, folder)


def test_every_parameter_of_every_call_has_a_value_that_would_do(victim: Victim) -> None:
    good = fitting(victim.mem, "", victim.folder)
    assert {name for _, name in SLOTS} <= set(good)


values = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=30).filter(lambda name: "/" not in name),  # it may name a file
    st.integers(),
    st.floats(),
    st.binary(max_size=10),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=8,
    ),
)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def thrown(victim: Victim, data: st.DataObject) -> None:
    """One or two bad values for one call."""
    call, parameter = data.draw(st.sampled_from(SLOTS))
    bad = {parameter: data.draw(values)}
    if data.draw(st.booleans()):
        bad[data.draw(st.sampled_from(parameters(CALLS[call])))] = data.draw(values)
    victim.given(call, bad)


def test_a_thousand_bad_inputs_are_done_or_refused_and_never_half(victim: Victim) -> None:
    partial(thrown, victim)()
    assert victim.told.total() >= 1_000
    assert victim.told["BadInput"] > victim.told.total() / 4, victim.told
    assert victim.mem.verify_audit().ok


def test_a_call_that_was_given_no_ids_of_people_leaves_its_row_too(victim: Victim) -> None:
    bad: dict[str, Any] = {"user_id": 7}
    for call in (victim.mem.search, victim.mem.add):
        with pytest.raises(BadInput, match="user_id"):
            call("a word", **bad)
        (row,) = victim.mem._parts.journal.newest(1)
        assert (row.audit.call, row.audit.outcome) == (call.__name__, "BadInput")
