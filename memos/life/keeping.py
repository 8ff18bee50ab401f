"""Memories are read by the language model, and what it holds then is kept in blocks.

sources ──> prompt ──> blocks, in every place ──> commit: the cube and the names of its blocks
                         └─ crash: blocks that no cube is kept in, which are swept
"""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING

from memos.errors import NotSupported
from memos.kinds.prompt import cuts_of, memories_message
from memos.kinds.salt import tenant_salt
from memos.ports.catalog import Change, Errand
from memos.ports.ledger import Blocked
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        tokens = prompt.tokens[: cuts[-1]]
        made = self._runtime.prefill(tokens, cuts=cuts, salt=self.salt(scope), progress=progress)
        return tokens, made

    def warm(
        self, cube: MemCube, sources: Sequence[MemCube], *, act: Act, progress: Progress = silent
    ) -> Prefilled:
        """Make the blocks of a KV cube that are missing."""
        _, made = self.read(sources, cube.scope, progress)
        if self._ledger.blocks().get(cube.id) != made.blocks:
            self._catalog.commit(
                Change(
                    audit=act.audit([cube.id]),
                    expects={cube.id: cube.version},
                    also=(Blocked(cube.id, made.blocks),),
                )
            )
        return made

    def forsake(self, names: Sequence[str]) -> None:
        """Owe the blocks of a cube that came to nothing."""
        self._catalog.owe([(Errand.BLOCK, name) for name in names])

    def names(self, cubes: Sequence[MemCube]) -> tuple[str, ...]:
        """The blocks that these cubes are kept in, each once."""
        kept = self._ledger.blocks()
        return tuple(dict.fromkeys(name for cube in cubes for name in kept.get(cube.id, ())))

    def sweep(self) -> int:
        """Remove blocks that no cube is kept in; how many there were."""
        kept = {name for names in self._ledger.blocks().values() for name in names}
        return self._kv.drop(self._kv.names() - kept)
