"""Adding what a file holds: in batches, with bad entries told and the others stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from memos.cli.failing import PARTIAL
from memos.cube.frozen import Frozen
from memos.errors import BadInput
from memos.ingest.records import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from memos import MemCube, MemOS
    from memos.cli.call import Call
    from memos.ingest.entry import Entry


class Extra(TypedDict):
    """What the command line says of every memory that is added."""

    labels: Sequence[str]
    metadata: Mapping[str, JsonValue]
    timestamp: str | None
    ttl_seconds: float | None
    expires_at: str | None
    sensitivity: str
    licence: str | None
    supersede: str | None


_TOLD = 20
"""How many bad entries are told one by one."""
_TABLED = 10
"""Up to how many new memories are shown on a terminal."""


class Planned(Frozen):
    """What adding would do."""

    memories: int
    sessions: int = 0
    """Sessions that the entries name."""
    unreadable: int = 0
    """Entries that would be left out."""


def tell_plan(call: Call, planned: Planned) -> None:
    """Write what adding would do."""
    if not call.out.tabled:
        call.out.one("dry-run", planned, table="")
    call.out.note(f"would add {_memories(planned.memories)}{_sessions(planned.sessions)}")


class Bulk:
    """One run of ``memos add`` over a file."""

    def __init__(
        self,
        call: Call,
        name: str,
        *,
        extra: Extra,
        key: str | None = None,
        strict: bool = False,
    ) -> None:
        self._call = call
        self._name = name
        self._extra = extra
        self._key = key
        self._strict = strict
        self._bad: list[tuple[str, str]] = []

    def run(self, content: bytes, *, lines: bool, dry_run: bool) -> int:
        """Add everything that can be read; answers with the exit code.

        Raises:
            BadInput: there is nothing to add, or, when strict, an entry cannot be read.
        """
        entries = self._readable(read(content, lines=lines))
        if self._strict and self._bad:
            self._tell()
            message = f"{self._bad_count()} of {self._name} cannot be read: nothing was stored"
            raise BadInput(message, hint="mend them, or leave out --strict")
        if not entries and not self._bad:
            raise BadInput(f"there is nothing to add in {self._name}")
        if dry_run:
            tell_plan(self._call, self._planned(entries))
        elif entries:
            self._store(entries)
        self._tell()
        return PARTIAL if self._bad else 0

    def _planned(self, entries: Sequence[Entry]) -> Planned:
        return Planned(
            memories=len(entries), sessions=len(_named(entries)), unreadable=len(self._bad)
        )

    def _readable(self, entries: Iterable[Entry]) -> list[Entry]:
        good = []
        for entry in entries:
            if entry.message is None:
                self._bad.append((entry.place, entry.problem))
            else:
                good.append(entry)
        return good

    def _store(self, entries: list[Entry]) -> None:
        from memos.cli.cubes import wire, write_cubes
        from memos.cli.tables import cubes_table

        out = self._call.out
        with self._call.open(create=True) as mem:
            stored = self._stored(mem, entries)
            if out.tabled:
                cubes = [cube for batch in stored for cube in batch]
                if len(cubes) <= _TABLED:
                    write_cubes(out, "cubes", cubes)
                added = f"{_memories(len(cubes))}{_sessions(len(_named(entries)))}"
                out.note(f"added {added} to {self._call.place}")
                return
            out.many(
                "cubes",
                (cube for batch in stored for cube in batch),
                content=wire,
                ids=lambda cube: cube.id,
                table=cubes_table,
            )

    def _stored(self, mem: MemOS, entries: list[Entry]) -> Iterator[list[MemCube]]:
        step = len(entries) if self._strict else self._call.loaded.settings.batch
        for start in range(0, len(entries), step):
            yield from self._add(mem, entries[start : start + step], start)
            self._call.progress("adding", min(start + step, len(entries)), len(entries))

    def _add(self, mem: MemOS, entries: Sequence[Entry], start: int) -> Iterator[list[MemCube]]:
        """Add a batch; where the store refuses it, find the entry that it refuses."""
        try:
            yield self._call_add(mem, entries, start)
        except BadInput as error:
            if self._strict:
                raise
            if len(entries) == 1:
                self._bad.append((entries[0].place, error.message))
                return
            middle = len(entries) // 2
            yield from self._add(mem, entries[:middle], start)
            yield from self._add(mem, entries[middle:], start + middle)

    def _call_add(self, mem: MemOS, entries: Sequence[Entry], start: int) -> list[MemCube]:
        scope = self._call.scope
        named = {name for name, value in scope.items() if value is not None}
        messages = [_without(entry.message, named) for entry in entries]
        return mem.add(
            messages,
            source=self._source(),
            source_start=start,
            idempotency_key=None if self._key is None else f"{self._key}/{start}",
            progress=self._call.progress,
            **self._extra,
            **scope,
        )

    def _source(self) -> str:
        return "stdin:" if self._name == "-" else Path(self._name).resolve().as_uri()

    def _tell(self) -> None:
        for place, problem in self._bad[:_TOLD]:
            self._call.out.warn(f"{place}: {problem}")
        if len(self._bad) > _TOLD:
            self._call.out.warn(f"and {len(self._bad) - _TOLD:,} more")
        if self._bad and not self._strict:
            self._call.out.warn(f"{self._bad_count()} could not be read")

    def _bad_count(self) -> str:
        return "1 entry" if len(self._bad) == 1 else f"{len(self._bad):,} entries"


def _without(message: Mapping[str, JsonValue] | None, named: set[str]) -> dict[str, JsonValue]:
    """The message less the fields that the command line has the last word on."""
    return {key: value for key, value in (message or {}).items() if key not in named}


def _memories(count: int) -> str:
    return "1 memory" if count == 1 else f"{count:,} memories"


def _named(entries: Sequence[Entry]) -> set[str]:
    """The sessions that entries name."""
    return {str((entry.message or {}).get("session_id")) for entry in entries} - {"None"}


def _sessions(count: int) -> str:
    return f" of {count:,} sessions" if count > 1 else ""
