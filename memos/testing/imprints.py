"""What every index of imprints must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memos.ports.imprint import impressed
from memos.ports.imprints import ImprintEntry

if TYPE_CHECKING:
    from pathlib import Path

    from memos.ports.imprint import Imprint
    from memos.ports.imprints import Imprints


def imprint(seed: int, tokens: int = 7, dimension: int = 20) -> Imprint:
    """An imprint of made-up token vectors."""
    made = np.random.default_rng(seed).standard_normal((tokens, dimension))
    return impressed(made.astype(np.float32))


class ImprintsSuite(ABC):
    """Inherit from it and say how an index is made and reopened."""

    @pytest.fixture
    @abstractmethod
    def imprints(self) -> Imprints:
        """An empty index; the fixture closes what it opened."""

    @abstractmethod
    def reopened(self, imprints: Imprints) -> Imprints:
        """The same index, opened once more; one in memory is itself."""

    @abstractmethod
    def files(self) -> Path | None:
        """The folder of its files; None where it has none."""

    def test_what_is_put_comes_back_in_its_shape_also_after_opening_again(
        self, imprints: Imprints
    ) -> None:
        put = {"a": imprint(1), "b": imprint(2, tokens=1), "c": imprint(3, dimension=384)}
        imprints.put([ImprintEntry(*each) for each in put.items()])
        for index in (imprints, self.reopened(imprints)):
            found = index.of(["c", "a", "absent", "b"])
            assert {name: each.tolist() for name, each in found.items()} == {
                name: each.tolist() for name, each in put.items()
            }
            assert index.ids() == set(put)

    def test_the_last_that_is_put_counts(self, imprints: Imprints) -> None:
        imprints.put([ImprintEntry("a", imprint(1)), ImprintEntry("a", imprint(2))])
        assert np.array_equal(imprints.of(["a"])["a"], imprint(2))
        imprints.put([ImprintEntry("a", imprint(3, dimension=8))])
        assert np.array_equal(imprints.of(["a"])["a"], imprint(3, dimension=8))
        assert imprints.ids() == {"a"}

    def test_nothing_is_put_or_asked_for_without_harm(self, imprints: Imprints) -> None:
        imprints.put([])
        imprints.drop([])
        assert not imprints.of([])
        assert imprints.ids() == set()

    def test_what_is_dropped_is_gone_and_the_rest_stays(self, imprints: Imprints) -> None:
        imprints.put([ImprintEntry(name, imprint(1)) for name in "abc"])
        imprints.drop(["a", "absent"])
        imprints.drop(["a"])
        assert self.reopened(imprints).ids() == {"b", "c"}

    def test_cleared_it_is_empty_and_of_use(self, imprints: Imprints) -> None:
        imprints.put([ImprintEntry("a", imprint(1))])
        imprints.clear()
        assert imprints.ids() == set()
        imprints.put([ImprintEntry("b", imprint(2))])
        assert imprints.ids() == {"b"}

    def test_thousands_are_found_at_once(self, imprints: Imprints) -> None:
        names = [f"{number:05}" for number in range(3000)]
        imprints.put([ImprintEntry(name, imprint(row)) for row, name in enumerate(names)])
        found = imprints.of(names)
        assert np.array_equal(found["02999"], imprint(2999))
        imprints.drop(names[1:])
        assert set(imprints.of(names)) == {"00000"}

    def test_purged_no_byte_of_what_was_dropped_or_replaced_is_left(
        self, imprints: Imprints
    ) -> None:
        folder = self.files()
        if folder is None:
            pytest.skip("an index in memory leaves nothing behind")
        names = [f"{number}" for number in range(60)]
        sizes = [3, 40, 300]
        old = [imprint(row, sizes[row % 3], 384) for row in range(60)]
        imprints.put([ImprintEntry(*each) for each in zip(names, old, strict=True)])
        imprints.put([ImprintEntry("1", imprint(99, 40, 384))])
        imprints.drop(names[2:])
        imprints.purge()
        content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
        tokens = [token.tobytes() for each in old[1:] for token in each]
        assert not any(token in content for token in tokens)
        assert np.array_equal(imprints.of(["0"])["0"], old[0])
