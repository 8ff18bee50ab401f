"""Memories are read by the language model, and what it holds then is kept in blocks.

sources ──> prompt ──> blocks, in every place ──> commit: the cube and the names of its blocks
                         └─ crash: blocks that no cube is kept in, which are swept
"""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING

from memos.errors import NotSupported, VersionConflict
from memos.kinds.prompt import cuts_of, memories_message
from memos.kinds.salt import tenant_salt
from memos.life.kv_report import Cooled, DamagedBlock
from memos.ports.catalog import Change, Errand
from memos.ports.ledger import Blocked
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from memos.cube import MemCube, Scope
    from memos.governance.act import Act
    from memos.ports.catalog import Catalog
    from memos.ports.kv import Kv
    from memos.ports.ledger import Ledger
    from memos.ports.runtime import Prefilled, Runtime

_SALT = "salt"
"""The note that holds the store's secret, from which each tenant's salt is made."""


class Keeper:
    """Knows in which blocks each KV cube is kept, and makes those that are missing."""

    def __init__(self, *, catalog: Catalog, ledger: Ledger, runtime: Runtime, kv: Kv) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._runtime = runtime
        self._kv = kv

    def salt(self, scope: Scope) -> str:
        """The mark of the tenant whose cubes of this scope are."""
        secret = self._catalog.note(_SALT) or self._catalog.note(_SALT, token_hex(32))
        return tenant_salt(str(secret), scope.user_id)

    def read(
        self, sources: Sequence[MemCube], scope: Scope, progress: Progress = silent
    ) -> tuple[tuple[int, ...], Prefilled]:
        """Read memories, and keep the attention state: the tokens that were read, and what it took.

        Raises:
            NotSupported: the model's chat template rewrites messages, or the model keeps no
                attention state that can be cut into blocks.
            OutOfSpace: the disk has no room.
        """
        prompt = self._runtime.prompt([memories_message(sources)])
        cuts = cuts_of(prompt, len(sources))
        if not cuts:
            message = "the model's chat template leaves memories out, or says them twice"
            raise NotSupported(message, hint="use a model whose template writes what it is given")
        tokens, salt = prompt.tokens[: cuts[-1]], self.salt(scope)
        try:
            made = self._runtime.prefill(tokens, cuts=cuts, salt=salt, progress=progress)
        except BaseException:
            self.sweep()  # of what was made already, no cube tells
            raise
        return tokens, made

    def warm(
        self, cube: MemCube, sources: Sequence[MemCube], *, act: Act, progress: Progress = silent
    ) -> Prefilled:
        """Make the blocks of a KV cube that are missing.

        Raises:
            NotSupported, OutOfSpace: as :meth:`read`.
        """
        _, made = self.read(sources, cube.scope, progress)
        self.note(cube, made.blocks, act)
        return made

    def note(self, cube: MemCube, blocks: Sequence[str], act: Act) -> None:
        """Write down in which blocks a KV cube is kept, where that is not known.

        So it is with one that came in a bundle, or was made by an earlier version, or when the
        model reads in pieces of another length now. Blocks that nobody knows of would outlive the
        forgetting of what they were made from: those of a cube that has gone meanwhile are dropped.
        """
        version = self._catalog.versions([cube.id]).get(cube.id)
        named = tuple(blocks)
        if version is not None and self._ledger.blocks([cube.id]).get(cube.id) == named:
            return
        try:
            if version is not None:
                entry, expected = Blocked(cube.id, named), {cube.id: version}
                audit = act.audit([cube.id])
                self._catalog.commit(Change(audit=audit, expects=expected, also=(entry,)))
                return
        except VersionConflict:
            act.recorded = False
        self.sweep()

    def forsake(self, names: Sequence[str]) -> None:
        """Owe the blocks of a cube that came to nothing."""
        self._catalog.owe([(Errand.BLOCK, name) for name in names])

    def names(self, cubes: Sequence[MemCube]) -> dict[str, tuple[str, ...]]:
        """By id, the blocks that each of these cubes is kept in, in order."""
        kept = self._ledger.blocks([cube.id for cube in cubes])
        return {cube.id: kept.get(cube.id, ()) for cube in cubes}

    def cool(self, cubes: Sequence[MemCube], *, dry_run: bool) -> Cooled:
        """Drop the blocks of these cubes everywhere, but those that others are kept in as well."""
        ids = {cube.id for cube in cubes}
        kept = self._ledger.blocks()
        mine = {name for one in ids for name in kept.get(one, ())}
        others = {name for one, names in kept.items() if one not in ids for name in names}
        going = mine - others
        there = len(self._kv.where(going)) if dry_run else self._kv.drop(going)
        return Cooled(
            ids=tuple(cube.id for cube in cubes),
            dropped=there,
            shared=len(mine & others),
            dry_run=dry_run,
        )

    def damaged(self, progress: Progress = silent) -> list[DamagedBlock]:
        """Blocks on disk that are not what was put there, and whose they are."""
        users: dict[str, list[str]] = {}
        for cube_id, names in self._ledger.blocks().items():
            for name in names:
                users.setdefault(name, []).append(cube_id)
        return [
            DamagedBlock(name=name, cubes=tuple(users.get(name, ())))
            for name in self._kv.verify(progress=progress)
        ]

    def abandon(self, names: Collection[str]) -> int:
        """Remove those of these blocks that no cube is kept in; how many there were."""
        if not names:
            return 0
        kept = {name for each in self._ledger.blocks().values() for name in each}
        return self._kv.drop(set(names) - kept)

    def sweep(self) -> int:
        """Remove all blocks that no cube is kept in; how many there were."""
        return self.abandon(self._kv.names())
