"""The bytes of a block: a header that says what it is, then keys and values.

    0       4        6       7         8        12       16      32     64        72      76   4096
    | AMKV  | format | codec | nothing | tokens | layout | name  | body's length  | crc32 | ... |
    | body: whatever the codec writes; the length is not padded                               |

The header fills a page of 4096 bytes, so that the body lies where large reads begin. The sum is
over every byte but its own: a codec or a count that has changed is damage, too. Nothing is believed
before it was checked: bytes may come from a disk that lies, or from another process.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from memos.cube.identity import canonical, digest_of
from memos.errors import CorruptionError

try:  # the same sum, several times as fast
    from isal.isal_zlib import crc32
except ImportError:
    from zlib import crc32

if TYPE_CHECKING:
    from memos.ports.blocks import Content, Layout

PAGE = 4096
_HEADER = struct.Struct("<4sHBxII16s32sQI")
_SUM, _SUM_AT = struct.Struct("<I"), 72
_MAGIC, _FORMAT = b"AMKV", 1
CODECS = ("raw", "int8", "fp8", "int4")
"""How a body is written; the number in the header is the place in this list."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the bytes of a block say of themselves."""

    name: str
    codec: str
    tokens: int
    layout: bytes
    body_bytes: int
    crc: int


def packed(name: str, body: Content, *, codec: str, tokens: int, layout: Layout) -> bytearray:
    """A block as bytes."""
    content = bytearray(PAGE + len(body))
    content[PAGE:] = body
    _HEADER.pack_into(
        content, 0, _MAGIC, _FORMAT, CODECS.index(codec), tokens, 0,
        layout_mark(layout), bytes.fromhex(name), len(body), 0,
    )  # fmt: skip
    _SUM.pack_into(content, _SUM_AT, _sum_of(content))
    return content


def header_of(content: Content, name: str) -> Header:
    """What a block says of itself; only its first page is looked at.

    Raises:
        CorruptionError: it is no block, or another than ``name``.
    """
    if len(content) < PAGE:
        raise _damaged(name, f"it has only {len(content)} bytes")
    magic, form, codec, tokens, _, layout, named, size, crc = _HEADER.unpack_from(content)
    if (magic, form) != (_MAGIC, _FORMAT) or codec >= len(CODECS):
        raise _damaged(name, "it is no block of a format that is known")
    if named.hex() != name:
        raise _damaged(name, f"it says that it is block {named.hex()}")
    return Header(name, CODECS[codec], tokens, layout, size, crc)


def body_of(content: Content, name: str) -> memoryview:
    """The verified body of a block.

    Raises:
        CorruptionError: the bytes are not those that were written.
    """
    header = header_of(content, name)
    body = memoryview(content)[PAGE:]
    if len(body) != header.body_bytes:
        raise _damaged(name, f"its body has {len(body)} bytes of {header.body_bytes}")
    if _sum_of(content) != header.crc:
        raise _damaged(name, "its bytes have changed")
    return body


def _sum_of(content: Content) -> int:
    view = memoryview(content)
    return crc32(view[_SUM_AT + _SUM.size :], crc32(view[:_SUM_AT]))


def layout_mark(layout: Layout) -> bytes:
    """16 bytes that stand for a layout."""
    told = [layout.layers, layout.heads, layout.key_width, layout.value_width,
            layout.dtype, layout.block_tokens]  # fmt: skip
    return bytes.fromhex(digest_of(canonical(told)))[:16]


def _damaged(name: str, why: str) -> CorruptionError:
    message = f"block {name} is damaged: {why}"
    return CorruptionError(message, hint="it is made anew when it is needed: memos kv warm")
