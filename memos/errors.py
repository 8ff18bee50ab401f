"""What can go wrong, as one tree.

    MemosError
    ├── BadInput                  the caller passed something we cannot take          exit 2
    │   ├── WrongKind             a cube of another kind than the call needs
    │   ├── UnknownOperator       a filter operator that does not exist
    │   ├── BadSetting            a setting that cannot be read
    │   │   ├── MissingKey        no key where the settings say that there is one
    │   │   └── MissingModel      a step needs a language model, and none is set
    │   └── UnknownBackend        no backend, or no model, of that name
    ├── NotFound                  nothing there that the caller may see              exit 3
    │   ├── UnknownCube           no such cube, or no such version of it
    │   └── MissingBlock          a block of attention state that is not in this place
    ├── Conflict                  the world is not as the caller thought             exit 4
    │   ├── VersionConflict       compare-and-swap failed
    │   ├── KeyReused             an idempotency key came back with other arguments
    │   ├── StaleCube             a derived cube whose sources have changed since
    │   ├── UnfitCube             a parametric cube that failed its own evaluation
    │   ├── IllegalTransition     a state that does not lead to the one asked for
    │   ├── FrozenCube            a frozen cube refuses every change
    │   ├── ExpiredCube           its time, or that of a source, is over: it is not used
    │   ├── LegalHold             held by law: not to be forgotten
    │   ├── ForgottenCube         erased on request; it does not come back unasked
    │   ├── ModelMismatch         made for, or indexed by, another model
    │   ├── OtherVersion          a store that another version of the schema wrote
    │   └── WrongKey              a store that another key encrypted
    ├── Forbidden                 without the right, or outside the scope of the handle exit 5
    │   └── Untrusted             a bundle that nobody signed whom the caller trusts
    ├── CorruptionError           bytes are not what was written                     exit 6
    ├── StoreLocked               the folder is in use by another process            exit 75
    ├── BackendError              a store or a model failed; the cause is chained    exit 1
    │   ├── MissingLibrary        an optional library is not installed
    │   ├── Unreachable           an endpoint gave no answer in time
    │   ├── OutOfSpace            a place for blocks is full, or its disk is
    │   ├── BadAnswer             a language model said what it was not asked for
    │   └── Unrecorded            a question that no recording has an answer to
    ├── StoreClosed               the handle was closed                              exit 1
    └── NotSupported              not built; nothing pretends to be                  exit 1

Each error says in its message which value was wrong, and in ``hint`` what to do next.
"""

from __future__ import annotations

from reprlib import Repr
from typing import ClassVar

_LARGE = 2**64


class _Short(Repr):
    """Cuts whatever is long, deep or does not want to be read."""

    def repr_int(self, x: int, level: int) -> str:
        """A number; one of thousands of digits Python itself refuses to write."""
        return super().repr_int(x, level) if abs(x) < _LARGE else "a huge number"


def shown(value: object, most: int = 60) -> str:
    """A value that was passed, as a message has it: what is longer is cut, and ends in …."""
    short = _Short()
    short.maxlevel, short.maxdict, short.maxlist, short.maxtuple = 3, 3, 3, 3
    short.maxstring = short.maxother = most
    text = short.repr(value)
    return text if len(text) <= 2 * most else f"{text[: 2 * most - 1]}…"


class MemosError(Exception):
    """Anything this library raises on purpose."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """The name of the error, for programs."""
        return type(self).__name__

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BadInput(MemosError):
    """The caller passed something we cannot take."""

    exit_code = 2


class WrongKind(BadInput):
    """A cube of another kind than the call needs."""


class UnknownOperator(BadInput):
    """A filter operator that does not exist."""


class BadSetting(BadInput):
    """A setting that cannot be read."""


class MissingKey(BadSetting):
    """The settings say where a key is, and there is none; or a store is encrypted, without one."""


class MissingModel(BadSetting):
    """A step needs a language model, and the settings name none."""


class UnknownBackend(BadInput):
    """No backend, or no model, of that name."""


class NotFound(MemosError):
    """Nothing there that the caller may see."""

    exit_code = 3


class UnknownCube(NotFound):
    """No such cube, or no such version of it, in the caller's scope."""


class MissingBlock(NotFound):
    """A block of attention state that is not in this place; it can be made anew."""


class Conflict(MemosError):
    """The world is not as the caller thought."""

    exit_code = 4


class VersionConflict(Conflict):
    """Compare-and-swap failed: the cube is at another version."""


class KeyReused(Conflict):
    """An idempotency key came back with other arguments."""


class StaleCube(Conflict):
    """A derived cube whose sources have changed since it was made."""


class UnfitCube(Conflict):
    """A parametric cube that failed its own evaluation."""


class IllegalTransition(Conflict):
    """A state that does not lead to the one asked for."""


class FrozenCube(Conflict):
    """A frozen cube refuses every change."""


class ExpiredCube(Conflict):
    """Its time, or that of something it was made from, is over: it is not used any more."""


class LegalHold(Conflict):
    """Held by law: not to be forgotten."""


class ForgottenCube(Conflict):
    """Erased on request; it does not come back unasked."""


class ModelMismatch(Conflict):
    """Made for, or indexed by, another model than the one configured."""


class OtherVersion(Conflict):
    """A store that another version of the schema wrote."""


class WrongKey(Conflict):
    """A store that another key encrypted than the one at hand."""


class Forbidden(MemosError):
    """Without the right to do this, or outside the scope that the application has set."""

    exit_code = 5


class Untrusted(Forbidden):
    """A bundle that is not signed by anybody whom the caller trusts."""


class CorruptionError(MemosError):
    """Bytes are not what was written."""

    exit_code = 6


class StoreLocked(MemosError):
    """The folder is in use by another process."""

    exit_code = 75


class StoreClosed(MemosError):
    """The handle was closed."""


class BackendError(MemosError):
    """A store or a model failed; the original error is the cause."""


class MissingLibrary(BackendError):
    """An optional library is not installed."""


class Unreachable(BackendError):
    """An endpoint could not be reached, or gave no answer in the time that it had."""


class OutOfSpace(BackendError):
    """A place for blocks is full, or the disk under it is; nothing was changed."""


class BadAnswer(BackendError):
    """A language model answered with something else than it was asked for."""


class Unrecorded(BackendError):
    """A recording of answers does not hold the one that is asked for."""


class NotSupported(MemosError):
    """Not built; nothing pretends to be."""
