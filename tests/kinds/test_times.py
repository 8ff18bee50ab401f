"""Times are read as people and exports write them, and always come out in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from memos.errors import BadInput
from memos.kinds.times import read_time


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-05-01", datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024-05-01T12:30:00Z", datetime(2024, 5, 1, 12, 30, tzinfo=UTC)),
        ("2024-05-01T12:30:00+02:00", datetime(2024, 5, 1, 10, 30, tzinfo=UTC)),
        ("1:56 pm on 8 May, 2023", datetime(2023, 5, 8, 13, 56, tzinfo=UTC)),
        ("2023/05/20 (Sat) 02:21", datetime(2023, 5, 20, 2, 21, tzinfo=UTC)),
        ("May 8, 2023", datetime(2023, 5, 8, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1714564800.5, datetime(2024, 5, 1, 12, 0, 0, 500000, tzinfo=UTC)),
        (datetime(2024, 5, 1), datetime(2024, 5, 1, tzinfo=UTC)),  # noqa: DTZ001
        (
            datetime(2024, 5, 1, tzinfo=timezone(timedelta(hours=-5))),
            datetime(2024, 5, 1, 5, tzinfo=UTC),
        ),
    ],
)
def test_a_time_is_read(value: str | float | datetime, expected: datetime) -> None:
    assert read_time(value) == expected
    assert read_time(value).tzinfo is UTC


@pytest.mark.parametrize("value", ["soon", "", "2024-13-01", float("nan"), 1e30, True, None, [1]])
def test_what_is_no_time_is_refused(value: str) -> None:
    with pytest.raises(BadInput, match="not a time"):
        read_time(value)
