"""Whatever a bundle holds, it is refused by an error of our tree, and nothing has changed."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memos import MemOS, Right
from memos.cube.identity import digest_of
from memos.errors import BadInput, CorruptionError, MemosError
from memos.life.unpacking import LIMITS, Archive, Limits
from memos.ports.catalog import Change
from memos.ports.graph import Edge, Relation
from memos.testing.crafted import Crafted, write_members
from memos.testing.derived import adapter, attention, safetensors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from memos import MemCube

GHOST = "0190a5c8-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of three texts, one of them revised, a KV cube and a LoRA cube."""
    path = tmp_path_factory.mktemp("honest") / "bundle.zip"
    with MemOS.open(None, embedder="hash") as mem:
        turns = [{"content": "I moved to Lisbon.", "name": "Ann"}, {"content": "How nice!"}]
        cubes = mem.add(turns, user_id="ann", session_id="s", labels=["home"], metadata={"n": 1})
        mem.update(cubes[1].id, "How very nice!")
        mem.add("Ann plays the violin.", user_id="ann")
        derive(mem, cubes[:1], attention)
        derive(mem, cubes[:1], adapter)
        assert mem.export_to(path) == 5
    return path


@pytest.fixture(scope="module")
def store() -> Iterator[MemOS]:
    """A store with something in it."""
    with MemOS.open(None, embedder="hash") as opened:
        opened.add("Bob likes tea.", user_id="bob")
        yield opened


@pytest.fixture
def crafted(honest: Path) -> Crafted:
    """The honest bundle, taken apart."""
    return Crafted.taken(honest)


def derive(
    mem: MemOS, parents: list[MemCube], made: Callable[..., tuple[MemCube, bytes]]
) -> MemCube:
    """Put a derived cube into a store, as transform would."""
    cube, content = made(parents, at=mem._parts.clock.now())
    mem._parts.blobs.put(content)
    edges = tuple(Edge(cube.id, Relation.DERIVED, parent.id, parent.version) for parent in parents)
    with mem._act("test", Right.WRITE) as act:
        change = Change(audit=act.audit([cube.id]), put=(cube,), edges=edges)
        mem._parts.catalog.commit(change)
    return cube


def state(mem: MemOS) -> object:
    """All that a refused bundle must not have changed."""
    parts = mem._parts
    return (mem.stats().held, list(parts.blobs.digests()), parts.ledger.installed())


def refused(mem: MemOS, path: Path, *kinds: type[MemosError]) -> list[MemosError]:
    """The errors by which a bundle is refused: imported, installed, and looked at."""
    before = state(mem)
    found = []
    doors: list[Callable[[], object]] = [
        lambda: mem.import_from(path),
        lambda: mem.install(path, "evil"),
    ]
    for door in doors:
        with pytest.raises(kinds or MemosError) as raised:
            door()
        assert state(mem) == before
        found.append(raised.value)
    return found


def set_in(*path: str | int, to: object) -> Callable[[Crafted], None]:
    """A change of one value in the first cube, whose digest is then mended."""

    def change(crafted: Crafted) -> None:
        place: Any = crafted.cubes[0]["cube"]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to
        crafted.reseal()

    return change


def revised(**life: object) -> Callable[[Crafted], None]:
    """A change of the life of a second version."""

    def change(crafted: Crafted) -> None:
        line = next(line for line in crafted.cubes if line["cube"]["header"]["life"]["version"] > 1)
        line["cube"]["header"]["life"].update(life)

    return change


def of_kind(crafted: Crafted, kind: str) -> dict[str, Any]:
    """The one cube of a kind."""
    cubes = [line["cube"] for line in crafted.cubes]
    return next(cube for cube in cubes if cube["header"]["kind"] == kind)


def payload(kind: str, **to: object) -> Callable[[Crafted], None]:
    """A change of the payload of the KV or the LoRA cube."""

    def change(crafted: Crafted) -> None:
        of_kind(crafted, kind)["payload"].update(to)
        crafted.reseal()

    return change


def blob(kind: str, content: bytes) -> Callable[[Crafted], None]:
    """Other bytes for the KV or the LoRA cube, with the right digest and size."""

    def change(crafted: Crafted) -> None:
        held = of_kind(crafted, kind)["payload"]
        del crafted.blobs[f"blobs/{held['blob']}"]
        held.update(blob=digest_of(content), size_bytes=len(content))
        crafted.blobs[f"blobs/{held['blob']}"] = content
        crafted.reseal()

    return change


_SIDE = {
    "method": "side", "target": "layers.0", "shards": 1, "density": 0.5, "threshold": 1.0,
    "parameters": 6,
}  # fmt: skip
_SIDE_BYTES = safetensors({"side.delta": ("F32", [3, 2], bytes(24))})


def _cycle(crafted: Crafted) -> None:
    first, second = crafted.cubes[0]["cube"], crafted.cubes[-1]["cube"]
    for one, other in ((first, second), (second, first)):
        one["provenance"]["parents"] = [{"id": other["header"]["id"], "version": 1}]


def _itself(crafted: Crafted) -> None:
    cube = crafted.cubes[0]["cube"]
    cube["provenance"]["parents"] = [{"id": cube["header"]["id"], "version": 1}]


def _orphan(crafted: Crafted) -> None:
    crafted.cubes[0]["cube"]["provenance"]["parents"] = [{"id": GHOST, "version": 1}]


def _later_parent(crafted: Crafted) -> None:
    of_kind(crafted, "activation")["provenance"]["parents"][0]["version"] = 9


def _twice(crafted: Crafted) -> None:
    crafted.cubes.append(crafted.cubes[0])


def _swapped(crafted: Crafted) -> None:
    crafted.cubes.reverse()


def _moved_between_users(crafted: Crafted) -> None:
    line = next(line for line in crafted.cubes if line["cube"]["header"]["life"]["version"] > 1)
    line["cube"]["header"]["scope"]["user_id"] = "eve"


def _foreign_edge(crafted: Crafted) -> None:
    crafted.edges.append([crafted.cubes[0]["cube"]["header"]["id"], GHOST])


def _edge_to_weights(crafted: Crafted) -> None:
    ends = [crafted.cubes[0]["cube"], of_kind(crafted, "parametric")]
    crafted.edges.append([cube["header"]["id"] for cube in ends])


def _loop(crafted: Crafted) -> None:
    crafted.edges.append([crafted.cubes[0]["cube"]["header"]["id"]] * 2)


def _edge_of_three(crafted: Crafted) -> None:
    crafted.edges.append([*crafted.edges[0], "x"])


def _unnamed_blob(crafted: Crafted) -> None:
    crafted.blobs[f"blobs/{digest_of(b'more')}"] = b"more"


def _missing_blob(crafted: Crafted) -> None:
    crafted.blobs.popitem()


def _unknown_format(crafted: Crafted) -> None:
    crafted.manifest["format"] = 3


def _text_as_format(crafted: Crafted) -> None:
    crafted.manifest["format"] = "2"


def _true_as_format(crafted: Crafted) -> None:
    crafted.manifest["format"] = True


def _unknown_field(crafted: Crafted) -> None:
    crafted.manifest["run"] = "rm -rf"


def _long_name(crafted: Crafted) -> None:
    crafted.manifest["name"] = "x" * 10_000


def _told(**said: object) -> Callable[[Crafted], None]:
    """A change of what the bundle says of itself."""
    return lambda crafted: crafted.manifest.update(said)


def _unknown_cube_format(crafted: Crafted) -> None:
    crafted.cubes[0]["format"] = 2


def _unsigned_signature(crafted: Crafted) -> None:
    crafted.more["signature.json"] = b"{}"


def _forged_signature(crafted: Crafted) -> None:
    forged = {"algorithm": "ed25519", "public_key": "ab" * 32, "signature": "cd" * 64}
    crafted.more["signature.json"] = json.dumps(forged).encode()


def _other_algorithm(crafted: Crafted) -> None:
    forged = {"algorithm": "none", "public_key": "ab" * 32, "signature": "cd" * 64}
    crafted.more["signature.json"] = json.dumps(forged).encode()


def _stranger(crafted: Crafted) -> None:
    crafted.more["autorun.inf"] = b"x"


def _half_a_pair(crafted: Crafted) -> None:
    crafted.cubes[0]["cube"]["payload"]["text"] = "a\ud800b"


def _deep(crafted: Crafted) -> None:
    nested: Any = 0
    for _ in range(500):
        nested = [nested]
    crafted.cubes[0]["cube"]["header"]["metadata"] = {"deep": nested}


HEADER = ("header", "metadata", "x")
CHANGES: dict[str, Callable[[Crafted], None]] = {
    "an id that is no UUID": set_in("header", "id", to="../../etc/passwd"),
    "an id in capitals": set_in("header", "id", to=GHOST.upper()),
    "an id that is a number": set_in("header", "id", to=7),
    "a kind that is not": set_in("header", "kind", to="code"),
    "a kind that its payload is not": set_in("header", "kind", to="parametric"),
    "a field that is not": set_in("header", "callback", to="os.system"),
    "a text that is a list": set_in("payload", "text", to=["x"]),
    "an empty text": set_in("payload", "text", to=" "),
    "a NUL in the text": set_in("payload", "text", to="a\x00b"),
    "half a surrogate pair": _half_a_pair,
    "a text beyond all size": set_in("payload", "text", to="x" * 1_000_001),
    "a title beyond all size": set_in("header", "title", to="x" * 1_000_001),
    "a position beyond the database": set_in("payload", "position", to=10**30),
    "a position below zero": set_in("payload", "position", to=-1),
    "hits beyond the database": set_in("header", "behaviour", "hits", to=10**30),
    "an importance that is no number": set_in("header", "behaviour", "importance", to="NaN"),
    "NaN in the metadata": set_in(*HEADER, to=float("nan")),
    "Infinity in the metadata": set_in(*HEADER, to=float("inf")),
    "metadata that nests deeply": _deep,
    "metadata that is a list": set_in("header", "metadata", to=[1]),
    "a NUL in the title": set_in("header", "title", to="a\x00b"),
    "a NUL in a name of the metadata": set_in("header", "metadata", to={"a\x00": 1}),
    "a NUL deep in the metadata": set_in(*HEADER, to=[{"y": ["a\x00"]}]),
    "a NUL in the speaker": set_in("payload", "speaker", to="a\x00b"),
    "a NUL in an attribute": set_in("payload", "attributes", to={"caption": "a\x00b"}),
    "a NUL in the licence": set_in("header", "governance", "licence", to="a\x00b"),
    "a NUL in the source": set_in("provenance", "source", to={"uri": "a\x00b", "span": None}),
    "a NUL in the actor": set_in("provenance", "actor", to="a\x00b"),
    "a NUL in a parameter": set_in("provenance", "step", "parameters", to={"a": "\x00"}),
    "a NUL in the bundle's name": _told(name="a\x00b"),
    "a NUL in the bundle's licence": _told(licence="a\x00b"),
    "a bundle of a time to come": _told(created_at="2999-01-01T00:00:00Z"),
    "a label beyond all size": set_in("header", "labels", to=["x" * 513]),
    "an empty label": set_in("header", "labels", to=[""]),
    "a NUL in a label": set_in("header", "labels", to=["a\x00"]),
    "a time without a zone": set_in("header", "created_at", to="2024-01-01T00:00:00"),
    "a time beyond the calendar": set_in("header", "valid_from", to="0001-01-01T00:00:00+14:00"),
    "a recorded time to come": set_in("header", "updated_at", to="2999-01-01T00:00:00Z"),
    "a provenance to come": set_in("provenance", "time", to="2999-01-01T00:00:00Z"),
    "a state that is not": set_in("header", "life", "state", to="immortal"),
    "a sensitivity that is not": set_in("header", "governance", "sensitivity", to="none"),
    "a cube that says it is redacted": set_in("header", "governance", "redacted", to=True),
    "an owner who is nobody": set_in("header", "governance", "owner", to="root"),
    "a user without a name": set_in("header", "scope", "user_id", to=""),
    "a user with a NUL": set_in("header", "scope", "user_id", to="a\x00"),
    "a tenant": set_in("header", "scope", "tenant", to="x"),
    "version zero": set_in("header", "life", "version", to=0),
    "a first version that is the second": set_in("header", "life", "version", to=2),
    "a huge version": set_in("header", "life", "version", to=10**12),
    "a version after another than the one before": revised(previous=7),
    "content of a version to come": revised(content=9),
    "content of a version with another": revised(content=1),
    "a version of another user": _moved_between_users,
    "a version twice": _twice,
    "versions in descending order": _swapped,
    "a cube derived from itself": _itself,
    "two derived from each other": _cycle,
    "a parent that is not there": _orphan,
    "a parent at a version that is not": _later_parent,
    "an edge to what is not there": _foreign_edge,
    "an edge to weights": _edge_to_weights,
    "an edge from a text to itself": _loop,
    "an edge of three": _edge_of_three,
    "a blob that no cube names": _unnamed_blob,
    "a cube whose blob is missing": _missing_blob,
    "a blob that is no safetensors file": blob("activation", b"not tensors at all"),
    "an empty blob": blob("parametric", b""),
    "a header beyond the blob": blob("activation", b"\xff" * 8 + b"{}"),
    "a header that is no JSON": blob("activation", (2).to_bytes(8, "little") + b"[]"),
    "a header that nests deeply": blob(
        "activation", (60_000).to_bytes(8, "little") + b"[" * 60_000
    ),
    "KV of other tokens": payload("activation", tokens_digest=digest_of(b"")),
    "KV of more tokens": payload("activation", tokens=4),
    "KV of a billion layers": payload("activation", layers=10**9),
    "KV of another size": payload("activation", size_bytes=1),
    "weights of another size": payload("parametric", size_bytes=1),
    "KV of a size that no number is": payload("activation", size_bytes=10**400),
    "a blob with a path for a digest": payload("activation", blob="../../../etc/passwd"),
    "weights of more parameters": payload(
        "parametric",
        adapter={"rank": 1, "alpha": 2.0, "targets": ["layers.0"], "parameters": 7},
    ),
    "weights of another rank": payload(
        "parametric",
        adapter={"rank": 2, "alpha": 2.0, "targets": ["layers.0"], "parameters": 6},
    ),
    "a prefix of a billion layers": payload(
        "parametric",
        adapter={"method": "prefix", "tokens": 1, "layers": 10**9, "parameters": 6},
    ),
    "a prefix whose bytes are a LoRA": payload(
        "parametric", adapter={"method": "prefix", "tokens": 1, "layers": 1, "parameters": 6}
    ),
    "a side memory whose bytes are a LoRA": payload("parametric", adapter=_SIDE),
    "a side memory in the name of a LoRA": blob("parametric", _SIDE_BYTES),
    "a side memory that is not a number": payload(
        "parametric", adapter={**_SIDE, "threshold": "nan"}
    ),
    "weights of a method that is none": payload("parametric", adapter={"method": "lobotomy"}),
    "format 3": _unknown_format,
    "a format that is a text": _text_as_format,
    "a format that is true": _true_as_format,
    "a manifest with a field more": _unknown_field,
    "a name beyond all size": _long_name,
    "a cube of format 2": _unknown_cube_format,
    "a signature that is empty": _unsigned_signature,
    "a signature that is forged": _forged_signature,
    "a signature without an algorithm": _other_algorithm,
    "a member that nobody named": _stranger,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_contents_that_none_of_our_bundles_has_are_refused(
    store: MemOS, crafted: Crafted, tmp_path: Path, change: Callable[[Crafted], None]
) -> None:
    change(crafted)
    crafted.write(tmp_path / "evil.zip")
    refused(store, tmp_path / "evil.zip")


def test_the_bundle_that_these_were_made_from_is_taken(honest: Path) -> None:
    with MemOS.open(None, embedder="hash") as mem:
        assert len(mem.import_from(honest).cubes) == 5
        assert len(mem.install(honest, "fine").added) == 5
        assert mem.check().problems == ()


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


def _with_member(path: Path, member: zipfile.ZipInfo, content: bytes = b"x") -> None:
    with zipfile.ZipFile(path, "a") as bundle:
        bundle.writestr(member, content)


def _named(name: str, **more: Any) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    for attribute, value in more.items():
        setattr(member, attribute, value)
    return member


LINK = (stat.S_IFLNK | 0o777) << 16
DEVICE = (stat.S_IFCHR | 0o666) << 16
MEMBERS = {
    "an absolute name": _named("/etc/passwd"),
    "a way out": _named("../../evil"),
    "a way out in the middle": _named("blobs/../../evil"),
    "a way out of Windows": _named("..\\evil"),
    "a drive": _named("C:\\evil"),
    "an empty part": _named("blobs//x"),
    "a folder": _named("blobs/"),
    "a folder by its attribute": _named("evil", external_attr=0x10),
    "a link": _named("evil", external_attr=LINK),
    "a link in a blob's place": _named(f"blobs/{digest_of(b'x')}", external_attr=LINK),
    "a device": _named("evil", external_attr=DEVICE),
    "a name beyond ASCII": _named("blobs/\u202eevil"),
    "a name with a line break": _named("blobs/a\nb"),
    "a blob that is no digest": _named("blobs/evil"),
    "a method nobody uses": _named("evil", compress_type=zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)
def test_members_that_none_of_our_bundles_has_are_refused(
    store: MemOS, honest: Path, tmp_path: Path, member: zipfile.ZipInfo
) -> None:
    path = tmp_path / "evil.zip"
    path.write_bytes(honest.read_bytes())
    _with_member(path, member)
    refused(store, path, BadInput)
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["manifest.json", "cubes.jsonl"])
def test_a_member_that_comes_twice_is_refused(
    store: MemOS, honest: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "evil.zip"
    path.write_bytes(honest.read_bytes())
    _with_member(path, zipfile.ZipInfo(name), members_of(honest)[name])
    refused(store, path, BadInput)


def test_an_encrypted_member_is_refused(store: MemOS, honest: Path, tmp_path: Path) -> None:
    content = bytearray(honest.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    (tmp_path / "evil.zip").write_bytes(content)
    refused(store, tmp_path / "evil.zip", BadInput)


@pytest.mark.parametrize("field", [18, 22])
def test_a_member_that_lies_about_its_size_is_refused(
    store: MemOS, honest: Path, tmp_path: Path, field: int
) -> None:
    content = bytearray(honest.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + field + 2 : central + field + 6] = (0x7FFF_FFFF).to_bytes(4, "little")
    (tmp_path / "evil.zip").write_bytes(content)
    refused(store, tmp_path / "evil.zip")


def test_what_is_not_a_regular_file_is_refused(store: MemOS, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "link")
    for path in ("pipe", "link", ".", "absent/x"):
        refused(store, tmp_path / path, BadInput)
    with pytest.raises(BadInput):
        store.import_from("a\x00b")
    with pytest.raises(BadInput):
        store.import_from("/")


def test_a_bomb_is_not_unpacked_further_than_the_limit(
    store: MemOS, honest: Path, tmp_path: Path
) -> None:
    members = members_of(honest)
    members["cubes.jsonl"] = b" " * (64 << 20)
    path = tmp_path / "bomb.zip"
    write_members(path, members)
    assert path.stat().st_size < 1 << 20
    refused(store, path, BadInput)
    with Archive(path) as archive:
        with pytest.raises(BadInput, match="unpacks"):
            archive.read("cubes.jsonl")
        assert archive.unpacked <= LIMITS.small + (1 << 20)


def test_a_bomb_that_says_it_is_small_is_not_believed(honest: Path, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    write_members(path, {"manifest.json": b" " * (32 << 20)})
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = (100).to_bytes(4, "little")
    path.write_bytes(content)
    with Archive(path) as archive:
        with pytest.raises(CorruptionError):
            archive.read("manifest.json")
        assert archive.unpacked <= 100


@pytest.mark.parametrize(
    "limits",
    [Limits(members=2), Limits(unpacked=1000), Limits(text=100), Limits(ratio=2, small=10)],
    ids=["members", "unpacked", "text", "ratio"],
)
def test_every_limit_holds(honest: Path, limits: Limits) -> None:
    with pytest.raises(BadInput), Archive(honest, limits) as archive:
        archive.read("cubes.jsonl", limit=limits.text)


def test_a_directory_of_members_beyond_all_size_is_not_read(tmp_path: Path) -> None:
    record = b"PK\x01\x02" + bytes(42)
    count = (9 << 20) // len(record)
    size = count * len(record)
    tail = b"PK\x05\x06" + bytes(4) + (0xFFFF).to_bytes(2, "little") * 2
    tail += size.to_bytes(4, "little") + (0).to_bytes(4, "little") + bytes(2)
    (tmp_path / "evil.zip").write_bytes(record * count + tail)
    with pytest.raises(BadInput, match="central directory"):
        Archive(tmp_path / "evil.zip")


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**18)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([GHOST, "", "\x00", "NaN", "2999-01-01T00:00:00Z", "secret", "frozen"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to every value within one."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


def takes_or_refuses(mem: MemOS, path: Path) -> None:
    """The property: an error of our tree and no change, or success and a store that is sound."""
    before = state(mem)
    doors: list[Callable[[], object]] = [
        lambda: mem.import_from(path, revive=True),
        lambda: mem.install(path, "stranger"),
        lambda: mem.inspect(path),
    ]
    for door in doors:
        try:
            door()
        except MemosError:
            assert state(mem) == before
        else:
            for cube in mem.get_all():
                mem.history(cube.id)
            mem.search("Lisbon", filters={"metadata.n": 1, "position": {"gte": 0}})
            assert mem.stats().pending == 0
            if mem.installed():
                mem.uninstall("stranger")
            mem.delete_all(filters={"speaker": {"ne": "nobody at all"}, "user_id": {"ne": "bob"}})
            mem.delete_all(filters={"text": {"ne": "Bob likes tea."}})
            assert state(mem) == before


@pytest.fixture
def alone() -> Iterator[MemOS]:
    """A store of one memory."""
    with MemOS.open(None, embedder="hash") as opened:
        opened.add("Bob likes tea.", user_id="bob")
        yield opened


FEW = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.slow
@FEW
@given(data=st.data())
def test_any_value_anywhere_is_our_error_or_harmless(
    alone: MemOS, honest: Path, tmp_path: Path, data: st.DataObject
) -> None:
    crafted = Crafted.taken(honest)
    whole: dict[str, Any] = {
        "manifest": crafted.manifest, "cubes": crafted.cubes, "edges": crafted.edges,
    }  # fmt: skip
    ways = [way for way in places(whole) if len(way) > 1]
    *path, last = data.draw(st.sampled_from(ways), label="where")
    place: Any = whole
    for step in path:
        place = place[step]
    place[last] = data.draw(ANYTHING, label="what")
    try:
        if data.draw(st.booleans(), label="resealed"):
            crafted.reseal()
        crafted.write(tmp_path / "evil.zip")
    except (TypeError, ValueError, KeyError, AttributeError):
        return  # not even an attacker can write this down
    takes_or_refuses(alone, tmp_path / "evil.zip")


@pytest.mark.slow
@FEW
@given(data=st.data())
def test_any_bytes_anywhere_are_our_error_or_harmless(
    alone: MemOS, honest: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(honest.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1))
        end = start + data.draw(st.integers(0, 8))
        content[start:end] = data.draw(st.binary(max_size=8))
    (tmp_path / "evil.zip").write_bytes(content)
    takes_or_refuses(alone, tmp_path / "evil.zip")


@pytest.mark.slow
@FEW
@given(data=st.data())
def test_any_bytes_in_a_member_with_the_right_digest_are_our_error_or_harmless(
    alone: MemOS, honest: Path, tmp_path: Path, data: st.DataObject
) -> None:
    members = members_of(honest)
    manifest = json.loads(members["manifest.json"])
    name = data.draw(st.sampled_from(["cubes.jsonl", "edges.jsonl"]))
    content = bytearray(members[name])
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + data.draw(st.integers(0, 4))] = data.draw(
        st.binary(max_size=4) | st.sampled_from([b"[" * 100_000, b"\\u0000", b"1e999", b"9" * 5000])
    )
    members[name] = bytes(content)
    manifest["members"][name] = digest_of(members[name])
    members["manifest.json"] = json.dumps(manifest).encode()
    write_members(tmp_path / "evil.zip", members)
    takes_or_refuses(alone, tmp_path / "evil.zip")


def test_nobody_signs_by_a_key_that_anybody_can_sign_for(
    store: MemOS, crafted: Crafted, tmp_path: Path
) -> None:
    weak = {"algorithm": "ed25519", "public_key": "00" * 32, "signature": "00" * 64}
    crafted.more["signature.json"] = json.dumps(weak).encode()
    crafted.write(tmp_path / "weak.zip")
    refused(store, tmp_path / "weak.zip", BadInput)
    with pytest.raises(BadInput, match="weak"):
        MemOS.inspect(tmp_path / "weak.zip")
    with pytest.raises(BadInput, match="weak"):
        store.install(tmp_path / "weak.zip", "evil", trust=["00" * 32])


def test_a_bundle_of_a_time_to_come_can_be_looked_into(crafted: Crafted, tmp_path: Path) -> None:
    _told(created_at="2999-01-01T00:00:00Z")(crafted)
    crafted.write(tmp_path / "later.zip")
    made = MemOS.inspect(tmp_path / "later.zip").created_at
    assert made is not None
    assert made.year == 2999
