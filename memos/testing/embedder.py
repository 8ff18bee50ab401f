"""What every embedding model must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos.ports.imprint import nearest_tokens, width

if TYPE_CHECKING:
    from memos.ports.embedder import Embedder, TokenEmbedder

MARGIN = 0.02
"""The share of signs that may differ where numbers next to zero were rounded otherwise."""
LONG = "and then she went on to tell the whole story from its very beginning " * 60
TEXTS = ["Alice moved to Lisbon in May.", LONG, "", "tea", "Two eggs and some flour.", "??"]
ROUNDING = 1e-5


class EmbedderSuite(ABC):
    """Inherit from it and say how an embedder is made."""

    @pytest.fixture
    @abstractmethod
    def embedder(self) -> Embedder:
        """An embedder; a costly one may be shared by all tests."""

    @abstractmethod
    def another(self) -> Embedder:
        """The same model, made anew."""

    def test_vectors_are_of_length_one_and_as_wide_as_promised(self, embedder: Embedder) -> None:
        vectors = embedder.embed(TEXTS)
        assert vectors.shape == (len(TEXTS), embedder.dimension)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=ROUNDING)

    def test_a_question_is_one_vector_of_length_one(self, embedder: Embedder) -> None:
        for question in ("Where does Alice live?", ""):
            vector = embedder.embed_query(question)
            assert vector.shape == (embedder.dimension,)
            assert vector.dtype == np.float32
            assert np.linalg.norm(vector) == pytest.approx(1, abs=ROUNDING)

    def test_vectors_stand_in_the_order_of_the_texts(self, embedder: Embedder) -> None:
        together = embedder.embed(TEXTS)
        alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
        assert together == pytest.approx(alone, abs=ROUNDING)

    def test_equal_texts_have_equal_vectors(self, embedder: Embedder) -> None:
        vectors = embedder.embed(["tea", LONG, "tea"])
        assert np.array_equal(vectors[0], vectors[2])
        assert embedder.embed(["tea"])[0] == pytest.approx(vectors[0], abs=ROUNDING)

    def test_no_texts_have_no_vectors(self, embedder: Embedder) -> None:
        assert embedder.embed([]).shape == (0, embedder.dimension)

    def test_a_question_is_nearest_to_the_text_that_answers_it(self, embedder: Embedder) -> None:
        scores = embedder.embed(TEXTS) @ embedder.embed_query("Where did Alice move to?")
        assert int(np.argmax(scores)) == 0

    def test_progress_goes_up_to_the_end(self, embedder: Embedder) -> None:
        told: list[tuple[int, int]] = []
        texts = [f"number {number}" for number in range(200)]
        embedder.embed(texts, progress=lambda _what, done, total: told.append((done, total)))
        assert told == sorted(told)
        assert told[-1] == (len(texts), len(texts))

    def test_the_same_model_has_the_same_name_and_vectors(self, embedder: Embedder) -> None:
        another = self.another()
        assert another.name == embedder.name
        assert another.dimension == embedder.dimension
        assert another.embed(TEXTS) == pytest.approx(embedder.embed(TEXTS), abs=ROUNDING)

    def test_any_text_has_a_vector(self, embedder: Embedder) -> None:
        @settings(max_examples=10, deadline=None)
        @given(text=st.text())
        def check(text: str) -> None:
            for vector in (embedder.embed([text])[0], embedder.embed_query(text)):
                assert np.linalg.norm(vector) == pytest.approx(1, abs=ROUNDING)

        check()


class TokenEmbedderSuite(EmbedderSuite):
    """For a model that tells of tokens, too."""

    @pytest.fixture
    @abstractmethod
    def embedder(self) -> TokenEmbedder:
        """An embedder; a costly one may be shared by all tests."""

    def test_it_says_that_it_tells_of_tokens(self, embedder: TokenEmbedder) -> None:
        assert embedder.tells_tokens

    def test_reading_gives_the_vectors_of_embedding(self, embedder: TokenEmbedder) -> None:
        texts = [*TEXTS, TEXTS[0]]
        readings = embedder.read(texts)
        assert np.stack([each.vector for each in readings]) == pytest.approx(
            embedder.embed(texts), abs=ROUNDING
        )
        asking = embedder.read_query("Where does Alice live?")
        assert asking.vector == pytest.approx(
            embedder.embed_query("Where does Alice live?"), abs=ROUNDING
        )
        assert embedder.read([]) == []

    def test_every_text_has_an_imprint_and_a_longer_one_a_longer(
        self, embedder: TokenEmbedder
    ) -> None:
        for text, reading in zip(TEXTS, embedder.read(TEXTS), strict=True):
            assert reading.imprint is not None, text
            assert reading.imprint.dtype == np.uint8
            assert reading.imprint.shape[1] == width(embedder.dimension)
            assert len(reading.imprint)
        short, long = (each.imprint for each in embedder.read(["tea", TEXTS[0]]))
        assert short is not None
        assert long is not None
        assert len(short) < len(long)

    def test_an_imprint_is_that_of_the_text_whatever_is_read_beside_it(
        self, embedder: TokenEmbedder
    ) -> None:
        for text, beside in zip(TEXTS, embedder.read(TEXTS), strict=True):
            (alone,) = embedder.read([text])
            assert alone.imprint is not None
            assert beside.imprint is not None
            assert alone.imprint.shape == beside.imprint.shape
            assert np.unpackbits(alone.imprint ^ beside.imprint).mean() < MARGIN

    def test_a_questions_tokens_are_of_length_one(self, embedder: TokenEmbedder) -> None:
        asking = embedder.read_query("Where does Alice live?")
        assert asking.tokens is not None
        assert asking.tokens.shape[1] == embedder.dimension
        assert len(asking.tokens) >= 4
        assert np.linalg.norm(asking.tokens, axis=1) == pytest.approx(1, abs=ROUNDING)
        assert asking.mark is None or asking.mark.shape == (embedder.dimension,)

    def test_a_questions_tokens_are_nearest_to_those_of_the_text_that_has_them(
        self, embedder: TokenEmbedder
    ) -> None:
        asking = embedder.read_query("Alice moved to Lisbon")
        assert asking.tokens is not None
        imprints = [each.imprint for each in embedder.read([TEXTS[4], TEXTS[0]])]
        near = nearest_tokens(asking.tokens, [each for each in imprints if each is not None])
        assert near.mean(axis=1).argmax() == 1

    def test_nothing_asked_has_a_vector_and_perhaps_no_token(self, embedder: TokenEmbedder) -> None:
        asking = embedder.read_query("")
        assert np.linalg.norm(asking.vector) == pytest.approx(1, abs=ROUNDING)
        assert asking.tokens is not None
        assert asking.tokens.shape[1] == embedder.dimension
