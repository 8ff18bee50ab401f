"""The system calls that let memories leave and arrive: export, import, install, uninstall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from pydantic import ValidationError

from memos.cube import Right
from memos.errors import BadInput, shown
from memos.kernel.arguments import read_path, require_flags
from memos.kernel.cubes import CubeCalls
from memos.life import bundles
from memos.life.manifest import Label
from memos.life.signing import SigningKey
from memos.ports.progress import Progress, silent
from memos.retrieval.filters import read_filter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from memos.kernel.handle import Whose
    from memos.life.report import BundleReport, Forgotten, Imported, Installation
    from memos.ports.ledger import Installed


class SharingCalls(CubeCalls):
    """Write bundles, and take them in."""

    def export_to(
        self,
        path: str | Path,
        *,
        filters: Mapping[str, Any] | None = None,
        name: str | None = None,
        version: str = "1",
        licence: str | None = None,
        description: str = "",
        sign_with: str | Path | None = None,
        **whose: Unpack[Whose],
    ) -> int:
        """Write cubes, with all versions and what they were derived from, as one file.

        Args:
            path: the file; one that is there is replaced.
            filters: only these cubes.
            name: what to call the bundle; by default, as the file.
            version: of the bundle, for those who install it.
            licence: under which others may use it; a cube's own licence goes before it.
            description: a word on what it holds.
            sign_with: a file with an Ed25519 private key, as ``memos signing-key new`` writes it.
            whose: only these ids' cubes.

        Returns:
            How many cubes were written.

        Raises:
            BadInput: the label or the key cannot be read, or there is too much for one file.
            Forbidden: one of the cubes, or what it was derived from, may not be shared, or not
                be seen whole.
            BackendError: the file cannot be written.
        """
        with self._act("export", Right.SHARE, **whose) as act, self._lock:
            place = read_path(path)
            label = _label(name or place.stem, version, licence, description)
            key = None if sign_with is None else SigningKey.read(read_path(sign_with))
            cubes = self._chosen(act, read_filter(filters))
            return self._bundles.write(cubes, place, act, label=label, key=key)

    def import_from(
        self, path: str | Path, *, revive: bool = False, progress: Progress = silent
    ) -> Imported:
        """Take in one's own memories from a file, with their ids and their history.

        The file is verified first, and applied whole; what is there already is skipped. Only the
        application brings ids along: for anybody else, what one may not read here, and has not
        forgotten here, gets a new id, whether its own is taken or not. It is the same whenever one
        imports it.

        Args:
            path: a file that :meth:`export_to` wrote.
            revive: bring back what was forgotten here.
            progress: told of embedding.

        Raises:
            BadInput: it is no bundle.
            CorruptionError: its contents are not what its manifest says, or what was signed.
            VersionConflict: a cube of the same id with other content is there already.
            ForgottenCube: a cube was forgotten here, and ``revive`` was not asked for.
            Forbidden: a cube lies outside the scope of this handle, or is somebody else's.
        """
        with self._act("import", Right.WRITE) as act, self._changing(act):
            self._gate.require(act, act.scope)
            require_flags(revive=revive)
            return self._bundles.read(read_path(path), act, revive=revive, progress=progress)

    def install(
        self,
        path: str | Path,
        namespace: str,
        *,
        trust: Sequence[str] | None = None,
        force: bool = False,
        dry_run: bool = False,
        progress: Progress = silent,
        **whose: Unpack[Whose],
    ) -> Installation:
        """Take in somebody else's memories, under a namespace; again, to update them.

        A namespace is one within a scope, and there of its owner: others may use the same name.
        Each cube gets an id, an owner and a recorded time of this store, and the scope that the
        call names. What a bundle says of users, holds and history is told in the provenance, and
        binds nobody. An update revises what has changed, forgets what is gone with all that was
        made from it, and adds what is new, in one commit.

        Args:
            path: a file that :meth:`export_to` wrote.
            namespace: such as ``acme/travel``.
            trust: public keys; one of them must have signed the bundle. None: anybody, or nobody;
                but an update must be signed by whoever signed what is there.
            force: undo what was changed here since, and bring back what was forgotten.
            dry_run: only say what would happen.
            progress: told of embedding.
            whose: whose the cubes are to be, and so whose namespace it is; an update names the
                same.

        Raises:
            BadInput: it is no bundle, or the namespace or a key cannot be read.
            CorruptionError: its contents are not what its manifest says, or what was signed.
            Untrusted: nobody signed it who is trusted.
            VersionConflict: a cube that the bundle changes was changed here, too.
            LegalHold: a cube that the bundle drops has to stay.
            Forbidden: one may not write there and read what is written, or not forget.
        """
        with self._act("install", Right.WRITE, **whose) as act, self._changing(act):
            require_flags(force=force, dry_run=dry_run)
            return self._installer.install(
                read_path(path),
                namespace,
                act,
                scope=self._home(act),
                trust=trust,
                force=force,
                dry_run=dry_run,
                progress=progress,
            )

    def installed(self, **whose: Unpack[Whose]) -> list[Installed]:
        """The bundles that are installed, by namespace, as far as one may read their cubes.

        Where several have one namespace, their owners and scopes tell them apart.
        """
        with self._act("installed", Right.READ, **whose) as act:
            return self._installer.installed(act)

    def uninstall(
        self,
        namespace: str,
        *,
        dry_run: bool = False,
        verify: bool = False,
        progress: Progress = silent,
        **whose: Unpack[Whose],
    ) -> Forgotten:
        """Forget all that was installed under a namespace, and everything derived from it.

        Args:
            namespace: as it was installed.
            dry_run: only say what would go.
            verify: search every byte of the store afterwards, as ``forget`` does.
            progress: told of the bytes that are searched.
            whose: as it was installed.

        Raises:
            NotFound: nothing is installed under it that one may read.
            Forbidden: one may not forget it.
            LegalHold: some of it has to stay.
        """
        with self._act("uninstall", Right.FORGET, **whose) as act, self._changing(act):
            require_flags(dry_run=dry_run, verify=verify)
            return self._installer.uninstall(
                namespace,
                self._once(None, act, []),
                act,
                scope=self._home(act),
                dry_run=dry_run,
                verify=verify,
                progress=progress,
            )

    @staticmethod
    def inspect(path: str | Path) -> BundleReport:
        """What a bundle holds and who signed it: verified, and nothing imported.

        Raises:
            BadInput: it is no bundle.
            CorruptionError: its contents are not what its manifest says, or what was signed.
        """
        return bundles.inspect(read_path(path))


def _label(name: object, version: object, licence: object, description: object) -> Label:
    told = {"name": name, "version": version, "licence": licence, "description": description}
    try:
        return Label.model_validate(told, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        message = f"the {first['loc'][0]} of the bundle is {shown(first['input'])}: {first['msg']}"
        raise BadInput(message, hint="pass a short text") from error
