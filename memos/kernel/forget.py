"""The system call that forgets, and the records that it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from memos.cube import EVERYBODY, Right
from memos.errors import BadInput, NotFound, shown
from memos.kernel.arguments import read_ids, require_flags
from memos.kernel.cubes import CubeCalls
from memos.kinds.drafts import checked_text
from memos.life.certifying import shown_to
from memos.ports.filters import Condition, Every, Operator
from memos.ports.progress import Progress, silent
from memos.retrieval.filters import read_filter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from memos.governance.act import Act
    from memos.kernel.handle import Whose
    from memos.life.quarantine import Asked
    from memos.life.report import Forgotten
    from memos.ports.filters import Filter
    from memos.ports.ledger import Certificate, Tombstone


class ForgetCalls(CubeCalls):
    """Forget, and prove it."""

    def forget(  # noqa: PLR0913 - each of them is part of the contract
        self,
        ids: str | Sequence[str] | None = None,
        *,
        filters: Mapping[str, Any] | None = None,
        source: str | None = None,
        everything: bool = False,
        duplicates: bool = True,
        verify: bool = False,
        dry_run: bool = False,
        reason: str | None = None,
        progress: Progress = silent,
        **whose: Unpack[Whose],
    ) -> Forgotten:
        """Erase memories, and everything derived from them, from every store and from the disk.

        What goes: all versions of the cubes; every cube of the same user with the same text;
        every attention state, adapter, fork and merged text made from any of them; their rows in
        the indexes, edges and grants; what the model holds loaded of them; what is in quarantine
        of any of them, and of damaged cubes as far as they can be read. What stays: a
        tombstone for each, without content, and one certificate. What is answered counts only
        what the principal may read; the certificate has all of it, for whoever administers the
        store.

        Args:
            ids: one cube, or several.
            filters: or the cubes that a filter admits.
            source: or the cubes that were read from this source, such as a file's URI.
            everything: must be said where neither is named, and no scope.
            duplicates: whether cubes with the same text go as well.
            verify: search every byte of the store afterwards for the texts and their vectors.
            dry_run: only say what would go.
            reason: the purpose, for the certificate and the journal.
            progress: told of the bytes that are searched.
            whose: within this scope; alone, all of it.

        Raises:
            UnknownCube: one of the ids is not there, or not to be read.
            Forbidden: without the right to forget one of the cubes.
            LegalHold: one of the cubes that would go is held by law; nothing is forgotten.
            BadInput: nothing was named, or ids together with filters or a source.
            BackendError: they are forgotten, but could not be erased from the disk yet; that is
                still owed, and tried again with the next forgetting and when the store is opened.
        """
        with self._act("forget", Right.FORGET, reason=reason, **whose) as act:
            require_flags(everything=everything, duplicates=duplicates)
            require_flags(verify=verify, dry_run=dry_run)
            one_by_one = ids is not None
            if one_by_one and (filters or source is not None):
                raise BadInput("ids exclude filters and source", hint="choose one of them")
            if not (one_by_one or filters or source is not None or act.scope.named() or everything):
                hint = "name cubes, a scope, filters or a source, or say everything=True"
                raise BadInput("forget() would forget everything", hint=hint)
            with self._changing(act):
                asked = (
                    self._named(ids, act)
                    if ids is not None
                    else self._asked_where(_admitting(filters, source), act)
                )
                return self._forgetter.forget(
                    asked,
                    self._once(None, act, []),
                    act=act,
                    dry_run=dry_run,
                    duplicates=duplicates,
                    verify=verify,
                    progress=progress,
                )

    def tombstones(self) -> list[Tombstone]:
        """What was forgotten: ids, kinds, times and by whom; no content.

        Raises:
            Forbidden: without the right to administer the store.
        """
        with self._act("tombstones", Right.ADMINISTER) as act:
            self._gate.require(act, EVERYBODY)
            return self._parts.ledger.tombstones()

    def certificates(self) -> list[Certificate]:
        """The record of every forgetting, oldest first.

        Raises:
            Forbidden: without the right to administer the store.
        """
        with self._act("certificates", Right.ADMINISTER) as act:
            self._gate.require(act, EVERYBODY)
            return self._parts.ledger.certificates()

    def certificate(self, id: str) -> Certificate:  # noqa: A002
        """The record of one forgetting; its own, as it was told, or any for an administrator.

        Raises:
            NotFound: there is none of that id that one may read.
        """
        with self._act("certificate", Right.READ) as act:
            found = self._parts.ledger.certificate(str(id))
            seen = None if found is None else shown_to(found, act)
            if seen is None:
                raise NotFound(f"there is no certificate {shown(id)}", hint="memos certificates")
            return seen

    def _named(self, ids: str | Sequence[str], act: Act) -> Asked:
        listed = [ids] if isinstance(ids, str) else read_ids(ids)
        if not listed:
            raise BadInput("no cube was named", hint="pass at least one id")
        return self._asked(listed, act)


def _admitting(filters: Mapping[str, Any] | None, source: str | None) -> Filter:
    parts = [read_filter(filters)]
    if source is not None:
        parts.append(Condition("source", Operator.EQ, checked_text(source, "the source")))
    return Every(tuple(parts))
