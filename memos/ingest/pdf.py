"""PDF, a page an entry, by pypdf; a page without text is told of, not left out."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

from memos.errors import BadInput, MissingLibrary
from memos.ingest.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypdf import PdfReader

_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What a reader of damaged files may trip over, beside the library's own errors."""


def read_pdf(content: bytes) -> Iterator[Entry]:
    """A page an entry; its span is its number, from 0.

    Raises:
        MissingLibrary: pypdf is not installed.
        BadInput: it is no PDF, or is encrypted.
    """
    reader, errors = _opened(content)
    try:
        count = len(reader.pages)
    except errors as error:
        raise BadInput(f"the PDF is damaged: {error}", hint="save it anew") from error
    if not count:
        raise BadInput("the PDF has no pages", hint="save it anew")
    return _pages(reader, count, errors)


def _pages(reader: PdfReader, count: int, errors: tuple[type[Exception], ...]) -> Iterator[Entry]:
    for number in range(count):
        place, span = f"page {number + 1}", (number, number + 1)
        try:
            text = reader.pages[number].extract_text().replace("\0", "").strip()
        except errors as error:
            problem = f"damaged: {type(error).__name__}: {error}"[:300]
            yield Entry(place, None, problem, turn=False, span=span)
            continue
        text = text.encode(errors="replace").decode()
        if not text:
            yield Entry(place, None, "no text; is it a scan?", turn=False, span=span)
            continue
        yield Entry(
            place,
            {"text": text, "metadata": {"page": number + 1}},
            turn=False,
            span=span,
            gap="\n\n",
            block=number,
        )


def _opened(content: bytes) -> tuple[PdfReader, tuple[type[Exception], ...]]:
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ImportError as error:
        message = "reading PDF needs pypdf, which is not installed"
        raise MissingLibrary(message, hint="pip install 'agent-memos[documents]'") from error
    errors = (PyPdfError, *_BROKEN)
    try:
        reader = PdfReader(io.BytesIO(content))
        locked = reader.is_encrypted and not reader.decrypt("")
    except errors as error:
        raise BadInput(f"this is no PDF that can be read: {error}", hint="save it anew") from error
    except ImportError as error:
        raise BadInput("the PDF is encrypted", hint="save it without a password") from error
    if locked:
        raise BadInput("the PDF is encrypted", hint="save it without a password")
    return reader, errors
