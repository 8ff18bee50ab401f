"""What every place for blocks checks: that a block is what its name says, put and got."""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos.errors import CorruptionError, MissingBlock
from memos.ports.block_wire import PAGE, body_of, header_of
from memos.stores.digests import checked

if TYPE_CHECKING:
    from collections.abc import Callable

    from memos.ports.blocks import Content

AGAIN = "it is made anew when it is needed: memos kv warm"


def require_block(name: str, content: Content) -> None:
    """Refuse what could never be got again; the sum is left to whoever gets it.

    Raises:
        BadInput: ``name`` is not 64 lower-case hexadecimal digits.
        CorruptionError: ``content`` is not the block of that name, or not all of it.
    """
    header = header_of(content, checked(name))
    if len(content) != PAGE + header.body_bytes:
        raise damaged(name, f"its body has {len(content) - PAGE} bytes of {header.body_bytes}")


def verified_block(name: str, content: Content) -> Content:
    """``content``, whose every byte is as it was written.

    Raises:
        CorruptionError: it is not.
    """
    body_of(content, name)
    return content


def found(get: Callable[[str], Content], name: str) -> Content | None:
    """What ``get`` returns; None where the block is absent or damaged.

    Where one could not look at all, the error goes on: that is not the same as nothing found.
    """
    try:
        return get(name)
    except (MissingBlock, CorruptionError):
        return None


def absent(name: str) -> MissingBlock:
    """The error for a block that is not there."""
    return MissingBlock(f"block {name} is not here", hint=AGAIN)


def damaged(name: str, why: str) -> CorruptionError:
    """The error for a block that is not what was put."""
    return CorruptionError(f"block {name} is damaged: {why}", hint=AGAIN)
