"""Who may touch what: the decision, beside an oracle that shares nothing with it, and SQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.cube import EVERYBODY, OWNERS, ROOT, MemCube, Principal, Right, Scope
from memos.governance.access import Reach, intersection, reach
from memos.governance.matching import admits
from memos.ports.catalog import Selection
from memos.ports.ledger import Grant
from memos.stores.catalog_sql import SqlCatalog
from memos.stores.engine_sqlite import open_engine
from memos.stores.schema import upgrade
from memos.testing.catalog import plaintext, put

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
SOON, LATE = NOW + timedelta(microseconds=1), NOW - timedelta(microseconds=1)
ALICE, PLANNER = Principal.read("user:alice"), Principal.read("agent:planner")
PRINCIPALS = (ROOT, ALICE, Principal.read("user:bob"), PLANNER, Principal.read("service:alice"))
LABELS = ((), ("work",), ("home", "work"))
OWNED_BY = (None, "user:alice", "agent:planner")
SCOPES = [
    Scope(user_id=user, agent_id=agent, session_id=session)
    for user, agent, session in product((None, "alice", "bob"), (None, "planner"), (None, "s"))
]
IN_ALL = [(scope, labels, owner) for scope in SCOPES for labels in LABELS for owner in OWNED_BY]


def cube(
    scope: Scope = EVERYBODY, labels: tuple[str, ...] = (), owner: str | None = None
) -> MemCube:
    made = plaintext("x", scope, labels=labels)
    rules = made.header.governance.model_copy(update={"owner": owner})
    return made.model_copy(update={"header": made.header.model_copy(update={"governance": rules})})


CUBES = [cube(*each) for each in IN_ALL]
"""One of each sort there is."""


def grant(right: Right = Right.READ, principal: Principal = PLANNER, **fields: object) -> Grant:
    made = Grant(str(principal), right, "user:alice", NOW)
    return replace(made, **fields)  # type: ignore[arg-type]


def allowed(who: str, right: str, cube: MemCube, grants: Sequence[Grant], asked: Scope) -> bool:
    """The oracle: may ``who`` do ``right`` to ``cube`` in a call on ``asked``? By plain values."""
    header = PLAIN[cube.id] if cube.id in PLAIN else cube.model_dump()["header"]
    if not inside(header["scope"], asked):
        return False
    if who == "service:application":
        return True
    owners = {f"user:{header['scope']['user_id']}", header["governance"]["owner"]}
    if right != "administer" and who in owners:
        return True
    return any(
        one.principal == who
        and str(one.right) in {right, "administer"}
        and not (one.expires_at is not None and one.expires_at <= NOW)
        and named(one, header)
        for one in grants
    )


PLAIN = {one.id: one.model_dump()["header"] for one in CUBES}


def inside(lies: dict[str, str | None], scope: Scope) -> bool:
    return all(wanted in {None, lies[name]} for name, wanted in dict(scope).items())


def named(one: Grant, header: dict[str, Any]) -> bool:
    if one.cube_id is not None:
        return bool(one.cube_id == header["id"])
    return inside(header["scope"], one.scope) and (one.label in {None, *header["labels"]})


principals = st.sampled_from(PRINCIPALS)
rights = st.sampled_from(Right)
scopes = st.sampled_from(SCOPES)
grants = st.builds(
    lambda target, **fields: grant(**fields, **target),
    principal=principals,
    right=rights,
    expires_at=st.sampled_from([None, LATE, NOW, SOON]),
    target=st.one_of(
        st.sampled_from(CUBES).map(lambda one: {"cube_id": one.id}),
        st.builds(
            lambda scope, label: {"scope": scope, "label": label},
            scopes,
            st.sampled_from([None, "work", "home", "absent"]),
        ),
    ),
)
several = st.lists(grants, max_size=6)


def reached(who: Principal, right: Right, given: Sequence[Grant], asked: Scope) -> Reach:
    return reach(who, right, grants=given, asked=asked, now=NOW)


@settings(max_examples=200, deadline=None)
@given(principals, rights, several, scopes)
def test_a_reach_holds_exactly_the_cubes_that_an_independent_oracle_allows(
    who: Principal, right: Right, given: list[Grant], asked: Scope
) -> None:
    found = reached(who, right, given, asked)
    for one in CUBES:
        assert found.holds(one) == allowed(str(who), str(right), one, given, asked)


@pytest.fixture(scope="module")
def catalog() -> Iterator[SqlCatalog]:
    engine = open_engine(None)
    upgrade(engine)
    made = SqlCatalog(engine)
    made.commit(put(*CUBES))
    yield made
    made.close()


@settings(max_examples=100, deadline=None)
@given(who=principals, right=rights, given=several, asked=scopes)
def test_storage_admits_exactly_the_cubes_that_the_reach_holds(
    catalog: SqlCatalog, who: Principal, right: Right, given: list[Grant], asked: Scope
) -> None:
    found = reached(who, right, given, asked)
    where = found.filter(asked)
    kept = [one.id for one in CUBES if found.holds(one)]
    assert catalog.ids(Selection(scope=asked, where=where)) == kept
    assert [one.id for one in CUBES if asked.covers(one.scope) and admits(where, one)] == kept


@settings(max_examples=100, deadline=None)
@given(principals, rights, several, scopes, scopes)
def test_narrowing_never_widens(
    who: Principal, right: Right, given: list[Grant], wide: Scope, more: Scope
) -> None:
    narrow = intersection(wide, more)
    if narrow is None:
        return
    before, after = reached(who, right, given, wide), reached(who, right, given, narrow)
    for one in CUBES:
        assert after.holds(one) == (before.holds(one) and narrow.covers(one.scope))


@settings(max_examples=100, deadline=None)
@given(principals, rights, several, scopes, scopes)
def test_whoever_may_do_something_in_a_scope_may_do_it_to_all_that_lies_there(
    who: Principal, right: Right, given: list[Grant], asked: Scope, scope: Scope
) -> None:
    found = reached(who, right, given, asked)
    if found.covers(scope):
        assert all(found.holds(one) for one in CUBES if scope.covers(one.scope))


@settings(max_examples=50, deadline=None)
@given(principals, rights, several, scopes, st.data())
def test_a_grant_more_takes_nothing_away_and_a_grant_less_gives_nothing(
    who: Principal, right: Right, given: list[Grant], asked: Scope, data: st.DataObject
) -> None:
    fewer = given[: data.draw(st.integers(0, len(given)))]
    less, more = reached(who, right, fewer, asked), reached(who, right, given, asked)
    assert all(more.holds(one) for one in CUBES if less.holds(one))


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("who", PRINCIPALS, ids=str)
def test_without_grants_one_has_what_is_ones_own_and_root_has_all(
    who: Principal, right: Right
) -> None:
    found = reached(who, right, [], EVERYBODY)
    for one in CUBES:
        own = right in OWNERS and (str(who) in {f"user:{one.user_id}", one.header.governance.owner})
        assert found.holds(one) == (who == ROOT or own)
    assert found.basis == ("root" if who == ROOT else "owner" if right in OWNERS else "")


def test_grants_are_asked_for_only_where_what_one_owns_is_not_all_that_a_call_asks_for() -> None:
    asked: list[Right] = []

    def held(right: Right) -> Iterator[Grant]:
        asked.append(right)
        yield grant(Right.ADMINISTER, ALICE)

    hers = Scope(user_id="alice", session_id="s")
    for right in Right:
        found = reach(ALICE, right, grants=held(right), asked=hers, now=NOW)
        assert found.covers(hers)
        assert found.basis == ("owner" if right in OWNERS else "grants")
    assert asked == [Right.ADMINISTER]
    for scope in (EVERYBODY, Scope(user_id="bob"), Scope(session_id="s")):
        assert reach(ALICE, Right.READ, grants=held(Right.READ), asked=scope, now=NOW).covers(scope)
    assert asked == [Right.ADMINISTER, *[Right.READ] * 3]


@pytest.mark.parametrize(
    ("expires_at", "counts"), [(None, True), (SOON, True), (NOW, False), (LATE, False)]
)
def test_a_grant_ends_at_the_moment_it_names(expires_at: datetime | None, counts: bool) -> None:
    hers = Scope(user_id="alice")
    found = reached(PLANNER, Right.READ, [grant(scope=hers, expires_at=expires_at)], EVERYBODY)
    assert found.holds(cube(hers)) == found.covers(hers) == counts
    assert found.basis == ("grants" if counts else "owner")


@pytest.mark.parametrize(("granted", "asked"), list(product(Right, Right)))
def test_no_right_includes_another_but_administer_all(granted: Right, asked: Right) -> None:
    hers = Scope(user_id="alice")
    found = reached(PLANNER, asked, [grant(granted, scope=hers)], EVERYBODY)
    assert found.holds(cube(hers)) == (granted in {asked, Right.ADMINISTER})


def test_a_label_counts_within_its_scope_and_covers_nothing() -> None:
    hers, his = Scope(user_id="alice"), Scope(user_id="bob")
    found = reached(PLANNER, Right.READ, [grant(scope=hers, label="work")], EVERYBODY)
    assert found.holds(cube(hers, ("home", "work")))
    for kept in (
        cube(hers),
        cube(hers, ("home",)),
        cube(hers, ("workshop",)),
        cube(his, ("work",)),
    ):
        assert not found.holds(kept)
    assert not found.covers(hers)


def test_a_grant_to_one_is_not_a_grant_to_another_of_the_same_name() -> None:
    hers = Scope(user_id="alice")
    for other in ("user:planner", "service:planner", "agent:plan", "agent:planner2"):
        found = reached(Principal.read(other), Right.READ, [grant(scope=hers)], EVERYBODY)
        assert not found.holds(cube(hers))


def test_a_cube_of_a_scope_that_contradicts_the_call_is_out_of_reach() -> None:
    his = cube(Scope(user_id="bob"))
    given = [grant(cube_id=his.id), grant(scope=Scope(user_id="bob"))]
    found = reached(PLANNER, Right.READ, given, Scope(user_id="alice"))
    assert not found.holds(his)
