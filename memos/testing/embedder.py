"""What every embedding model must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from memos.ports.embedder import Embedder

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
