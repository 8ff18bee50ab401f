"""Text, Markdown and PDF: paragraphs, headings, code and pages; every word is in some entry."""

from __future__ import annotations

import io
import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from memos.errors import BadInput, MissingLibrary
from memos.ingest.formats import Format, read_content
from memos.ingest.markdown import read_markdown
from memos.ingest.pdf import read_pdf
from memos.ingest.sentences import in_sentences, sentences
from memos.ingest.text import read_text

PAGE = """\
# Guide

Intro line,
and its second.

## Install ##
Do this. Then that!

```sh
one

# no heading
```
## Nothing here
## Use
Setext
------
- one
- two

    code

    more code
"""


def texts(entries: Any) -> list[str]:
    return [entry.message["text"] for entry in entries]


def test_text_is_read_paragraph_by_paragraph_with_spans_and_lines() -> None:
    text = "  One\ntwo  \n\n \nThree\n"
    one, two = read_text(text)
    assert texts([one, two]) == ["One\ntwo", "Three"]
    assert (one.place, two.place) == ("line 1", "line 5")
    assert [text[slice(*entry.span)] for entry in (one, two) if entry.span] == ["One\ntwo", "Three"]
    assert not one.turn


def test_markdown_stands_under_its_headings_and_code_stays_whole() -> None:
    found = list(read_markdown(PAGE))
    assert list(zip(texts(found), [entry.headings for entry in found], strict=True)) == [
        ("Intro line,\nand its second.", ("Guide",)),
        ("Do this. Then that!", ("Guide", "Install")),
        ("```sh\none\n\n# no heading\n```", ("Guide", "Install")),
        ("## Nothing here", ("Guide", "Nothing here")),
        ("## Use", ("Guide", "Use")),
        ("- one\n- two", ("Guide", "Setext")),
        ("code\n\n    more code", ("Guide", "Setext")),
    ]


def test_a_fence_that_is_never_closed_holds_the_rest() -> None:
    assert texts(read_markdown("~~~\na\n\n# b\n")) == ["~~~\na\n\n# b"]


lines = st.sampled_from(
    ["# A", "## B", "#", "word", "two words.", "", "  ", "```", "~~~", "---", "===", "    code",
     "- item", "> quote", "|a|b|", "#tag", "\t", "###### deep ######", "caf\u00e9 \u3002"]
)  # fmt: skip


@given(st.lists(lines, max_size=25).map("\n".join))
def test_no_word_of_a_page_is_lost(text: str) -> None:
    found = list(read_markdown(text))
    kept = " ".join([*texts(found), *(" ".join(entry.headings) for entry in found)])
    for word in ("word", "two words.", "code", "- item", "> quote", "|a|b|", "#tag", "A", "B"):
        if word in text:
            assert word in kept
    spans = [entry.span or (0, 0) for entry in found]
    assert spans == sorted(spans)
    assert all(one[1] <= two[0] for one, two in pairwise(spans))
    assert [text[start:end] for start, end in spans] == texts(found)


@given(st.text())
def test_the_sentences_of_a_text_hold_all_of_it(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(text[start:end] for start, end in found).split()) == "".join(
        text.split()
    )


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three? Four", 4),
        ("Dr. Ann met J. Berg, e.g. on Monday. Fine.", 2),
        ("It is 3.5 m long. 2. is no end", 2),
        ("\u4f60\u597d\u3002\u518d\u89c1\u3002", 2),
        ("no end", 1),
        ("He said \u201cGo!\u201d Then he left.", 2),
    ],
)
def test_sentences_end_where_people_say_so(text: str, count: int) -> None:
    assert len(sentences(text)) == count


def test_a_paragraph_in_sentences_keeps_the_places_and_code_whole() -> None:
    found = list(in_sentences(read_markdown(PAGE)))
    assert texts(found)[1:4] == ["Do this.", "Then that!", "```sh\none\n\n# no heading\n```"]
    assert [PAGE[slice(*(one.span or (0, 0)))] for one in found] == texts(found)
    assert [one.block for one in found[1:4]] == [2, 2, 3]


def pdf(*pages: str, password: str | None = None) -> bytes:
    """A PDF of some pages, as pypdf writes it."""
    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for said in pages:
        page = writer.add_blank_page(300, 300)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 20 200 Td ({said}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def test_a_pdf_is_read_page_by_page_and_an_empty_page_is_told_of() -> None:
    reading = read_content(pdf("Hello Lisbon", "", "Bye"), "unnamed", None)
    one, scan, three = reading.entries
    assert reading.format is Format.PDF
    assert one.message == {"text": "Hello Lisbon", "metadata": {"page": 1}}
    assert (three.span, three.place) == ((2, 3), "page 3")
    assert scan.problem == "no text; is it a scan?"


def test_an_encrypted_pdf_and_one_that_is_none_are_refused() -> None:
    with pytest.raises(BadInput, match="encrypted"):
        read_pdf(pdf("secret", password="word"))  # noqa: S106
    with pytest.raises(BadInput):
        read_pdf(b"%PDF-1.7 and nothing more")


@given(st.data())
def test_a_damaged_pdf_is_read_in_part_or_refused(data: st.DataObject) -> None:
    content = bytearray(pdf("Hello Lisbon", "Bye"))
    for _ in range(data.draw(st.integers(1, 30))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(content)))
    try:
        found = list(read_pdf(bytes(content[:cut])))
    except BadInput:
        return
    assert all(entry.message or entry.problem for entry in found)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with pytest.raises(MissingLibrary) as caught:
        read_pdf(b"%PDF-1.7")
    assert "agent-memos[documents]" in caught.value.hint


def test_bytes_that_are_no_utf8_are_told_by_their_line_and_the_others_are_read() -> None:
    found = list(read_content(b"good\n\ncaf\xe9\n\nalso good\n", "a.txt", None).entries)
    assert [entry.problem for entry in found] == ["", "not UTF-8", ""]
    assert found[1].place == "line 3"


def test_utf16_with_its_mark_is_read() -> None:
    (entry,) = read_content("Gr\u00fc\u00dfe".encode("utf-16"), "a.txt", None).entries
    assert entry.message == {"text": "Gr\u00fc\u00dfe"}


garbage = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")),
    st.text(alphabet='[]{}":,0a\\ \n-#`/.', max_size=200).map(str.encode),
    st.text(alphabet="0123456789/,: -[]AnPM\n", max_size=200).map(str.encode),
)


NAMES = ("a", "a.md", "a.json", "b/c.jsonl")


@given(garbage, st.sampled_from([None, *Format]), st.sampled_from(NAMES))
def test_garbage_is_read_as_something_or_refused(
    content: bytes, wanted: Format | None, name: str
) -> None:
    try:
        found = list(read_content(content, name, wanted).entries)
    except BadInput:
        return
    assert all(entry.is_empty or entry.message or entry.problem for entry in found)
