"""Bundles of others come in under a namespace: installed, updated and removed as one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from memos.cube import MemCube, Right
from memos.errors import BadInput, Forbidden, NotFound, Untrusted, shown
from memos.kinds.entities import entity_edges
from memos.life.adopting import Home, is_installed
from memos.life.contents import Contents, read_contents
from memos.life.quarantine import Asked
from memos.life.reopening import reopened
from memos.life.signing import checked_public_key
from memos.life.unpacking import Archive
from memos.life.updating import Here, Update
from memos.ports.catalog import Change
from memos.ports.graph import Edge, Relation
from memos.ports.ledger import Installed, Uninstalled
from memos.ports.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from memos.cube import Scope
    from memos.governance.act import Act
    from memos.life.bundles import Bundles
    from memos.life.doom import Doom
    from memos.life.forgetting import Forgetter
    from memos.life.once import Once
    from memos.life.report import Forgotten, Installation
    from memos.ports.catalog import Catalog
    from memos.ports.ledger import Ledger

_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_NAMESPACE = re.compile(rf"{_PART}(/{_PART})*")
_LONGEST = 128


class Installer:
    """Installs bundles; each is verified first, and then applied in one commit."""

    def __init__(
        self, *, catalog: Catalog, ledger: Ledger, bundles: Bundles, forgetter: Forgetter
    ) -> None:
        self._catalog = catalog
        self._ledger = ledger
        self._bundles = bundles
        self._forgetter = forgetter

    def install(
        self,
        path: Path,
        namespace: str,
        act: Act,
        *,
        scope: Scope,
        trust: Sequence[str] | None,
        force: bool,
        dry_run: bool,
        progress: Progress = silent,
    ) -> Installation:
        """Install a bundle, or update what an earlier version of it left; see ``MemOS.install``."""
        home = _home(namespace, scope, act)
        keys = None if trust is None else _checked_keys(trust)
        _require_reach(home.scope, act)
        before = self._under(home)
        cubes = [] if before is None else self._there(before)
        if before is not None:
            home = replace(home, given={origin: here for here, origin in before.cubes})
        with Archive(path) as archive:
            contents = read_contents(archive, now=act.at)
            _require_trusted(contents, keys, before)
            here = Here() if before is None else self._here(before, cubes)
            update = Update(contents, home, here, force=force)
            doomed = self._doomed(update, act)
            put = update.put({doom.cube.id for doom in doomed})
            back = {cube.id for cube in put}
            gone = [doom for doom in doomed if doom.cube.id not in back]
            forgotten = self._forgetter.told(gone, act, dry_run=dry_run)
            done, records = self._forgetter.recorded(doomed, forgotten, act, anew=back)
            if dry_run:
                act.outcome = "dry run"
                return update.report(put, forgotten, dry_run=True)
            lost = tuple(doom.cube.id for doom in doomed)
            again = reopened(set(lost) - back, self._catalog, act)
            written = (*put, *again.put)
            change = Change(
                audit=act.audit([*(cube.id for cube in written), *lost]),
                put=written,
                forget=lost,
                edges=(*self._edges(update, put, set(lost)), *again.edges),
                replaces=tuple(cube.id for cube in put if cube.version > 1),
                also=(*records, update.entry(str(act.principal))),
            )
            self._bundles.commit(change, archive, progress)
        self._forgetter.let_go(doomed)
        return update.report(put, done, dry_run=False)

    def uninstall(
        self,
        namespace: str,
        once: Once,
        act: Act,
        *,
        scope: Scope,
        dry_run: bool,
        verify: bool = False,
        progress: Progress = silent,
    ) -> Forgotten:
        """Forget what was installed under a namespace; see ``MemOS.uninstall``."""
        home = _home(namespace, scope, act)
        entry = self._under(home)
        cubes = [] if entry is None else self._there(entry)
        if entry is None or not _is_visible(entry, cubes, act):
            raise _absent(home)
        kept = next((cube for cube in cubes if not act.reach().holds(cube)), None)
        if kept is not None:
            act.touch([kept.id])
            message = f"{act.principal} may not {act.right} cube {kept.id} of {namespace!r}"
            raise Forbidden(message, hint="ask its owner for a grant: memos grant")
        also = (Uninstalled(entry.namespace, entry.owner, entry.scope),)
        return self._forgetter.forget(
            Asked(cubes),
            once,
            act=act,
            dry_run=dry_run,
            also=also,
            verify=verify,
            progress=progress,
        )

    def installed(self, act: Act) -> list[Installed]:
        """What is installed, of which the principal may read all that is there."""
        return [
            entry
            for entry in self._ledger.installed()
            if _is_visible(entry, self._there(entry), act)
        ]

    def _there(self, entry: Installed) -> list[MemCube]:
        return self._catalog.find_all([cube_id for cube_id, _ in entry.cubes])

    def _under(self, home: Home) -> Installed | None:
        """What is there under the namespace now; what others have under that name is theirs."""
        return next(
            (
                entry
                for entry in self._ledger.installed(home.namespace)
                if (entry.owner, entry.scope) == (home.whose, home.scope)
            ),
            None,
        )

    def _here(self, entry: Installed, cubes: Sequence[MemCube]) -> Here:
        members = frozenset(cube_id for cube_id, _ in entry.cubes)
        histories = {
            cube.id: [cube] if is_installed(cube) else self._catalog.history(cube.id)
            for cube in cubes
        }
        return Here(members, histories)

    def _doomed(self, update: Update, act: Act) -> list[Doom]:
        """What the bundle drops or replaces, with all that was made from it.

        Raises:
            Forbidden: the principal may not forget it.
        """
        cubes = [update.here.histories[cube_id][-1] for cube_id in update.going]
        kept = next((one for one in cubes if not act.reach(Right.FORGET).holds(one)), None)
        if kept is not None:
            message = f"{act.principal} may not forget cube {kept.id}, which the bundle drops"
            raise Forbidden(message, hint="ask its owner for a grant: memos grant")
        return self._forgetter.doomed(cubes)

    def _edges(
        self, update: Update, put: Sequence[MemCube], gone: Collection[str]
    ) -> tuple[Edge, ...]:
        """Derivations and names of what is put, and the turns that are not linked yet."""
        derived = [
            Edge(cube.id, Relation.DERIVED, parent.id, parent.version)
            for cube in put
            if cube.version == 1
            for parent in cube.provenance.parents
        ]
        names = [edge for cube in put for edge in entity_edges(cube)]
        linked = {
            edge
            for edge in self._catalog.edges_of(update.members, [Relation.NEXT])
            if edge.source not in gone and edge.target not in gone
        }
        home = update.home
        turns = [
            Edge(home.id_of(turn.source), Relation.NEXT, home.id_of(turn.target))
            for turn in update.contents.turns
            if turn.source not in update.left_out and turn.target not in update.left_out
        ]
        return tuple(dict.fromkeys([*derived, *names, *(t for t in turns if t not in linked)]))


def checked_namespace(namespace: object) -> str:
    """A name to install under, such as ``acme/travel``.

    Raises:
        BadInput: it has other characters, or is too long.
    """
    text = namespace if isinstance(namespace, str) else shown(namespace)
    if len(text) > _LONGEST or not _NAMESPACE.fullmatch(text):
        hint = "letters, digits, . _ - and /, such as acme/travel"
        raise BadInput(f"{shown(text, 80)} cannot name what is installed", hint=hint)
    return text


def _home(namespace: object, scope: Scope, act: Act) -> Home:
    return Home(checked_namespace(namespace), scope, act.owner, act.actor, act.at)


def _require_reach(scope: Scope, act: Act) -> None:
    """Refuse who may not write there, or not read: the answer tells what is there already.

    Raises:
        Forbidden: so it is.
    """
    for right in (act.right, Right.READ):
        if not act.reach(right).covers(scope):
            message = f"{act.principal} may not {right} in {scope}"
            raise Forbidden(message, hint="ask its owner for a grant: memos grant")


def _checked_keys(trust: Sequence[str]) -> frozenset[str]:
    listed = [trust] if isinstance(trust, str) else trust
    if not listed or not isinstance(listed, Sequence):
        raise BadInput("trust names nobody", hint="pass public keys, or leave it out")
    return frozenset(checked_public_key(key) for key in listed)


def _require_trusted(
    contents: Contents, keys: Collection[str] | None, before: Installed | None
) -> None:
    """Refuse what nobody signed who should have: a trusted key, or the one that signed before.

    Raises:
        Untrusted: so it is.
    """
    signer = contents.signer
    if keys is not None and signer not in keys:
        message = f"the bundle is signed by {signer or 'nobody'}, whom the call does not trust"
        raise Untrusted(message, hint="nothing was installed; memos inspect shows who signed")
    pinned = None if before is None else before.signer
    if keys is None and pinned is not None and signer != pinned:
        message = f"what is installed was signed by {pinned}, this by {signer or 'nobody'}"
        raise Untrusted(message, hint="nothing was installed; to take a new signer, trust its key")


def _is_visible(entry: Installed, cubes: Sequence[MemCube], act: Act) -> bool:
    """Whether the principal may read all that is left of it; what is empty is its owner's."""
    reach = act.reach(Right.READ)
    if not cubes:
        may = reach.covers(entry.scope) or entry.owner == str(act.principal)
        return may and act.scope.covers(entry.scope)
    return all(act.scope.covers(cube.scope) and reach.holds(cube) for cube in cubes)


def _absent(home: Home) -> NotFound:
    message = f"{home.whose} has nothing installed under {home.namespace!r} in {home.scope}"
    return NotFound(message, hint="name whose it is; memos installed lists it")
