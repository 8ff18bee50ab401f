"""What installing a bundle over an earlier version of it means: a pure decision.

in the bundle     here, under the namespace     what happens
there             never                         added
there             as it was installed           kept, or revised where the bundle changed it
there             changed by somebody here      kept where the bundle did not change it;
                                                otherwise a conflict, unless forced
there             forgotten by somebody here    left out, unless forced
gone              there                         forgotten, with all that was made from it
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from memos.cube import Kind, MemCube, Parent
from memos.errors import VersionConflict
from memos.life.adopting import Home, adopted, content_of, essence, is_installed
from memos.life.expectation import require_changeable
from memos.life.report import Forgotten, Installation
from memos.ports.ledger import Installed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from memos.life.contents import Contents


@dataclass(frozen=True, slots=True)
class Here:
    """What there is of the namespace, by the cubes' ids in this store."""

    members: frozenset[str] = frozenset()
    """The ids that the last installation brought, forgotten ones included."""
    histories: Mapping[str, Sequence[MemCube]] = field(default_factory=dict)
    """Versions of those that are still there, oldest first, back to the last that was installed."""


class Update:
    """What happens to each cube of a bundle, named by its id in the bundle.

    Args:
        contents: the bundle.
        home: where it goes.
        here: what an earlier version of it left.
        force: bring back what was forgotten here, and undo what was changed here.

    Raises:
        VersionConflict: somebody here has changed a cube that the bundle changes, or drops.
        FrozenCube: somebody here has frozen a cube that the bundle changes.
    """

    def __init__(self, contents: Contents, home: Home, here: Here, *, force: bool) -> None:
        self.contents = contents
        self.home = home
        self.here = here
        self.left_out: dict[str, None] = {}
        """Stale derivations, what was forgotten here, and what was made from these."""
        self._kept: set[str] = set()
        self._moved: set[str] = set()
        """Added, or replaced: forgotten and put anew, for it was made from something else now."""
        self._rewritten: set[str] = set()
        """Revised in their content, not only in what is said of them."""
        for origin, history in contents.histories.items():
            self._place(origin, history[-1], force=force)
        for cube_id in self._touched():
            self._require_ours(cube_id, force=force)

    @cached_property
    def members(self) -> dict[str, str]:
        """The cubes that are there afterwards: their ids in this store, and in the bundle."""
        origins = (one for one in self.contents.histories if one not in self.left_out)
        return {self.home.id_of(origin): origin for origin in origins}

    @cached_property
    def going(self) -> list[str]:
        """The ids, in this store, of what the bundle no longer holds, or as something else."""
        replaced = {self.home.id_of(origin) for origin in self._moved}
        return [one for one in self.here.histories if one not in self.members or one in replaced]

    def put(self, gone: Collection[str]) -> list[MemCube]:
        """The versions to write, parents before what was made from them.

        Args:
            gone: ids, in this store, that are forgotten first; what the bundle holds of them is
                put anew.
        """
        versions: dict[str, int] = {}
        put = []
        for cube_id, origin in self.members.items():
            anew = origin in self._moved or cube_id in gone
            before = None if anew else self.here.histories[cube_id][-1]
            if before is not None and origin in self._kept:
                versions[cube_id] = before.version
                continue
            cube = self.contents.histories[origin][-1]
            parents: Sequence[Parent] = () if before is None else before.provenance.parents
            if before is None:
                ids = [self.home.id_of(parent.id) for parent in cube.provenance.parents]
                parents = [Parent(id=one, version=versions[one]) for one in ids]
            made = adopted(cube, self.contents, self.home, parents=parents, before=before)
            versions[cube_id] = made.version
            put.append(made)
        return put

    def entry(self, by: str) -> Installed:
        """The row of the ledger; what was forgotten by itself stays named, and so stays away."""
        lost = self.here.members - set(self.here.histories)
        left_out = {self.home.id_of(origin): origin for origin in self.left_out}
        away = {cube_id: left_out[cube_id] for cube_id in lost & set(left_out)}
        manifest = self.contents.manifest
        return Installed(
            namespace=self.home.namespace,
            owner=self.home.whose,
            scope=self.home.scope,
            bundle=self.contents.digest,
            name=manifest.name,
            version=manifest.version,
            licence=manifest.licence,
            signer=self.contents.signer,
            at=self.home.at,
            by=by,
            cubes=tuple(sorted({**self.members, **away}.items())),
        )

    def report(
        self, put: Sequence[MemCube], forgotten: Forgotten, *, dry_run: bool
    ) -> Installation:
        """The update in numbers and ids."""
        manifest, written = self.contents.manifest, {cube.id for cube in put}
        return Installation(
            namespace=self.home.namespace,
            bundle=self.contents.digest,
            name=manifest.name,
            version=manifest.version,
            licence=manifest.licence,
            signer=self.contents.signer,
            added=tuple(cube.id for cube in put if cube.id not in self.here.histories),
            revised=tuple(cube.id for cube in put if cube.id in self.here.histories),
            kept=tuple(one for one in self.members if one not in written),
            forgotten=forgotten,
            left_out=tuple(self.left_out),
            dry_run=dry_run,
        )

    def _place(self, origin: str, cube: MemCube, *, force: bool) -> None:
        cube_id = self.home.id_of(origin)
        above = {parent.id for parent in cube.provenance.parents}
        history = self.here.histories.get(cube_id)
        was_forgotten = history is None and cube_id in self.here.members
        if above & self.left_out.keys() or self._is_stale(cube) or (was_forgotten and not force):
            self.left_out[origin] = None
        elif history is None or self._is_replaced(cube, history[-1]):
            self._moved.add(origin)
        else:
            self._compare(cube, history)

    def _is_stale(self, cube: MemCube) -> bool:
        """Whether a source of a KV or LoRA cube was revised since, where the bundle comes from."""
        if cube.kind is Kind.PLAINTEXT:
            return False
        for parent in cube.provenance.parents:
            versions = self.contents.histories[parent.id]
            if versions[parent.version - 1].content_version != versions[-1].content_version:
                return True
        return False

    def _is_replaced(self, cube: MemCube, now: MemCube) -> bool:
        """Whether the cube was made from something else than what is here under its id."""
        above = {parent.id for parent in cube.provenance.parents}
        ours = {parent.id for parent in now.provenance.parents}
        if above & self._moved or {self.home.id_of(one) for one in above} != ours:
            return True
        if cube.kind is now.kind is Kind.PLAINTEXT:
            return False
        return bool(above & self._rewritten) or content_of(cube) != content_of(now)

    def _compare(self, cube: MemCube, history: Sequence[MemCube]) -> None:
        """Whether the bundle has changed a cube since it was installed; changes here apart."""
        installed = next((one for one in reversed(history) if is_installed(one)), history[-1])
        if essence(adopted(cube, self.contents, self.home)) == essence(installed):
            self._kept.add(cube.id)
        elif content_of(cube) != content_of(history[-1]):
            self._rewritten.add(cube.id)

    def _touched(self) -> list[str]:
        kept = {self.home.id_of(origin) for origin in self._kept}
        return [cube_id for cube_id in self.here.histories if cube_id not in kept]

    def _require_ours(self, cube_id: str, *, force: bool) -> None:
        """Refuse to write over what somebody here has made of an installed cube."""
        now = self.here.histories[cube_id][-1]
        if cube_id in self.members:
            require_changeable(now)
        if not (force or is_installed(now)):
            message = f"cube {now.id} was changed here ({now.provenance.step.operation}) since"
            raise VersionConflict(message, hint="force the installation to lose that change")
