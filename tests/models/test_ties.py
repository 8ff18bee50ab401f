"""Merging changes, against a case that was worked out by hand."""

from __future__ import annotations

import torch

from memos.models.ties import merged

#        place:   0    1    2    3    4    5
FIRST = [[5.0, -1.0, 4.0], [0.5, 3.0, 0.0]]
SECOND = [[3.0, -6.0, -1.0], [0.2, -5.0, 0.0]]
THIRD = [[-1.9, 4.0, 2.0], [0.1, 1.0, -3.0]]
# Each keeps half of its entries, the three largest:
#   first     5    .    4  |  .    3    .
#   second    3   -6    .  |  .   -5    .
#   third     .    4    2  |  .    .   -3
# Signs of the sums:     +    -    +  |  .    -    -
# Means of those that agree: 4, -6, (4 + 2) / 2, 0, -5, -3


def test_the_largest_are_kept_a_sign_is_elected_and_those_that_agree_are_averaged() -> None:
    changes = [torch.tensor(one) for one in (FIRST, SECOND, THIRD)]
    assert merged(changes, 0.5).tolist() == [[4.0, -6.0, 3.0], [0.0, -5.0, -3.0]]


def test_with_all_kept_small_entries_have_a_vote() -> None:
    changes = [torch.tensor(one) for one in (FIRST, SECOND, THIRD)]
    expected = torch.tensor([[4.0, -3.5, 3.0], [0.8 / 3, -5.0, -3.0]])
    # place 4: 3 - 5 + 1 is below zero, and -5 alone agrees
    torch.testing.assert_close(merged(changes, 1.0), expected)


def test_changes_that_do_not_meet_are_all_kept() -> None:
    one, other = torch.tensor([2.0, 0.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 0.0, -3.0])
    assert merged([one, other], 0.5).tolist() == [2.0, 0.0, 0.0, -3.0]


def test_what_is_undecided_is_left_alone() -> None:
    assert merged([torch.tensor([1.0]), torch.tensor([-1.0])], 1.0).tolist() == [0.0]
