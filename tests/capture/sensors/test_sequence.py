"""Numbers that come in any order, twice or never: each counts once, and what is missing is counted."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from capture.sensors.sequence import MOST_GAPS, Sequence


@settings(max_examples=40)
@given(st.lists(st.integers(0, 60)))
def test_each_counts_once_and_gaps_are_counted(numbers: list[int]) -> None:
    sequence, seen = Sequence(), set[int]()
    for number in numbers:
        assert sequence.take(number) == (number not in seen)
        seen.add(number)
        assert sequence.missing == max(seen) + 1 - len(seen)


@settings(max_examples=40)
@given(st.integers(0, 1 << 62), st.lists(st.integers(0, 30)))
def test_what_was_before_the_first_is_not_missed(first: int, steps: list[int]) -> None:
    sequence, seen = Sequence(None), {first}
    assert sequence.take(first)
    for step in steps:
        assert sequence.take(first + step) == (first + step not in seen)
        seen.add(first + step)
    assert sequence.missing == max(seen) - first + 1 - len(seen)


def test_gaps_that_are_remembered_are_bounded() -> None:
    sequence = Sequence()
    count = 10 * MOST_GAPS
    for number in range(1, 2 * count, 2):
        assert sequence.take(number)
    assert sequence.missing == count
    assert len(sequence._gaps) == MOST_GAPS
    assert not sequence.take(0), "nothing is expected of what was so long ago"
    assert sequence.take(2 * count - 2)
    assert sequence.missing == count - 1
