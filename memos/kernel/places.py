"""The system calls on places: where a cube's bytes lie, and moving them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from memos.cube import Right
from memos.kernel.cubes import CubeCalls
from memos.life.places import read_place

if TYPE_CHECKING:
    from memos.kernel.handle import Whose
    from memos.life.report import Moved


class PlaceCalls(CubeCalls):
    """Move bytes, and tell where they are."""

    def move(
        self,
        id: str,  # noqa: A002 - the name every user expects
        *,
        to: str,
        **whose: Unpack[Whose],
    ) -> Moved:
        """Move the bytes of a LoRA cube to ``disk`` or to the ``archive``, or a KV cube's blocks.

        They are copied, read back and verified before the catalog names the new place, and only
        then removed from the old one; they can be read at every moment, and wherever they are.

        The blocks of a KV cube go to ``gpu`` or ``ram``, where the model reads them; to ``disk``,
        and out of memory; or to the ``shared`` place, and off the disk. Those that are missing
        are made anew for a place in memory, and of blocks there a copy stays on disk, since
        memory does not last.

        Raises:
            UnknownCube: there is none in this scope.
            WrongKind: a text has no bytes beside the catalog.
            BadInput: there is no such place, or not for a cube of this kind.
            StaleCube, ExpiredCube: a KV cube that is never served has no place in memory.
            OutOfSpace: the blocks do not fit there.
            CorruptionError: the bytes are damaged or missing.
        """
        with self._act("move", Right.WRITE, **whose) as act, self._changing(act):
            return self._mover.move(self._held(id, act), read_place(to), act=act)

    def where(
        self,
        id: str,  # noqa: A002
        **whose: Unpack[Whose],
    ) -> Moved:
        """Where a cube's bytes lie.

        Raises:
            UnknownCube: there is none in this scope.
        """
        with self._act("where", Right.READ, **whose) as act:
            return self._mover.whereabouts(self._seen(id, act))
