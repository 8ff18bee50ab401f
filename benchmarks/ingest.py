"""Entries per second of `mem.ingest`, for each format, over the hash embedder.

    python -m benchmarks.ingest [--entries 2000]

Reading alone stands beside reading and storing, and the second run, which finds that everything
is there, beside the first. CPU seconds are the trustworthy figure on a shared machine.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.machine import machine
from benchmarks.throughput import texts
from memos import MemOS
from memos.ingest.formats import read_content, read_format

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Case:
    """One format, and how a source in it is written."""

    format: str
    write: Callable[[Sequence[str]], bytes]
    views: tuple[str, ...] = ()


def json_lines(said: Sequence[str]) -> bytes:
    """One message a line, twenty to a session."""
    rows = [
        {"role": "user", "content": one, "session": f"s{number // 20}"}
        for number, one in enumerate(said)
    ]
    return "\n".join(json.dumps(row) for row in rows).encode()


def openai(said: Sequence[str]) -> bytes:
    """One conversation whose contents are parts."""
    parts = [{"role": "user", "content": [{"type": "text", "text": one}]} for one in said]
    return json.dumps({"id": "c", "messages": parts}).encode()


def chatgpt(said: Sequence[str]) -> bytes:
    """Trees of twenty nodes."""
    conversations = []
    for start in range(0, len(said), 20):
        nodes = {
            str(number): {
                "parent": str(number - 1),
                "message": {"author": {"role": "user"}, "content": {"parts": [one]}},
            }
            for number, one in enumerate(said[start : start + 20])
        }
        conversations.append({"id": f"c{start}", "mapping": nodes})
    return json.dumps(conversations).encode()


def whatsapp(said: Sequence[str]) -> bytes:
    """Twenty messages a day."""
    lines = []
    for number, one in enumerate(said):
        day, month, minute = number // 20 % 28 + 1, number // 560 % 12 + 1, number % 20
        lines.append(f"{day:02}/{month:02}/2024, 10:{minute:02} - Ann: {one}")
    return "\n".join(lines).encode()


def markdown(said: Sequence[str]) -> bytes:
    """A heading every ten paragraphs."""
    blocks = [
        f"## Part {number}\n\n{one}" if number % 10 == 0 else one for number, one in enumerate(said)
    ]
    return "\n\n".join(blocks).encode()


def pdf(said: Sequence[str]) -> bytes:
    """A sentence a page."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    named = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(key): NameObject(one) for key, one in named.items()})
    fonts = DictionaryObject({NameObject("/F1"): font})
    for one in said:
        page = writer.add_blank_page(600, 300)
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td ({one}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)  # noqa: SLF001 - it has no other
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


CASES = [
    Case("json", json_lines),
    Case("json", json_lines, ("turn", "window", "session")),
    Case("openai", openai),
    Case("chatgpt", chatgpt),
    Case("whatsapp", whatsapp),
    Case("markdown", markdown),
    Case("markdown", markdown, ("sentence", "paragraph", "section")),
    Case("text", lambda said: "\n\n".join(said).encode()),
    Case("pdf", pdf),
]


def clocked(act: Callable[[], object]) -> float:
    """CPU seconds that a call takes."""
    start = time.process_time()
    act()
    return time.process_time() - start


def main() -> None:
    """Measure every case, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=2000)
    entries = parser.parse_args().entries
    said = texts(entries)
    print(f"{machine()}\n{entries:,} entries; entries per CPU second\n")
    print("| format | views | cubes | read | read and store | again |")
    print("|---|---|---|---|---|---|")
    for case in CASES:
        content = case.write(said)
        wanted = read_format(case.format)
        reading = clocked(lambda: list(read_content(content, "x", wanted).entries))  # noqa: B023
        with MemOS.open(None, embedder="hash") as mem:

            def take() -> None:
                mem.ingest(content, uri="x", format=case.format, views=case.views)  # noqa: B023

            first = clocked(take)
            cubes = mem.stats().cubes["plaintext"]
            again = clocked(take)
        rates = " | ".join(f"{entries / max(one, 1e-6):,.0f}" for one in (reading, first, again))
        print(f"| {case.format} | {', '.join(case.views) or 'usual'} | {cubes:,} | {rates} |")


if __name__ == "__main__":
    main()
