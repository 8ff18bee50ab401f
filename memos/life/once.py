"""Idempotency: the same key and arguments give the same result, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.cube.identity import canonical, digest_of, key_digest
from memos.errors import BadInput, KeyReused, shown
from memos.ports.catalog import Receipt

if TYPE_CHECKING:
    from pydantic import JsonValue

    from memos.cube import Scope
    from memos.ports.catalog import Catalog

_KEY_LIMIT = 512


class Once:
    """One call that may come twice, such as after a network error."""

    def __init__(
        self,
        catalog: Catalog,
        key: str | None,
        scope: Scope,
        arguments: object,
        *,
        whose: str = "",
    ) -> None:
        """Look the key up; with ``whose``, among that principal's keys.

        Raises:
            BadInput: the key is empty, too long or no text, or an argument is nothing that could
                come again.
            KeyReused: it came before, with other arguments.
        """
        _require_key(key)
        # A receipt outlives what it is about, and a key may say anything: only its digest stays.
        self._key = None if key is None else key_digest(key, whose)
        self._scope = scope
        self._fingerprint = _fingerprint(arguments)
        before = None if self._key is None else catalog.receipt(self._key, scope)
        if before is None and key is not None and not whose:
            before = catalog.receipt(key, scope)  # as earlier versions wrote it
        if before is not None and before.fingerprint != self._fingerprint:
            message = f"idempotency key {shown(key)} was used for a call with other arguments"
            raise KeyReused(message, hint="use a new key for a new call")
        self.answer: JsonValue = None if before is None else before.answer

    def receipt(self, answer: JsonValue) -> Receipt | None:
        """What to commit along with the change; None without a key."""
        if self._key is None:
            return None
        return Receipt(self._key, self._scope, self._fingerprint, answer)


def _require_key(key: object) -> None:
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= _KEY_LIMIT):
        message = f"idempotency key {shown(key)} is no text of 1 to {_KEY_LIMIT} characters"
        raise BadInput(message, hint="use a new UUID for each call")


def _fingerprint(arguments: object) -> str:
    try:
        return digest_of(canonical(arguments))
    except (TypeError, ValueError) as error:
        message = f"an argument is nothing that can be written down: {error}"
        raise BadInput(message, hint="pass texts and numbers") from error
