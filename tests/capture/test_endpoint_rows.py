"""Rows by endpoint: however they come in, what is found is what a look at every row finds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from capture.flows.endpoint_rows import EndpointRows


@given(st.lists(st.integers(-1, 6), max_size=80), st.lists(st.integers(0, 80)), st.sets(st.integers(-1, 7)))
def test_finds_what_a_look_at_every_row_finds(endpoints: list[int], stops: list[int], wanted: set[int]) -> None:
    """Row 2 i has the i-th of `endpoints`; they come in batches that end at `stops`."""
    index = EndpointRows()
    for start, stop in pairwise(sorted({0, len(endpoints), *(stop for stop in stops if stop < len(endpoints))})):
        index.add(np.arange(2 * start, 2 * stop, 2), np.array(endpoints[start:stop], np.int64))
    plain = {one: [2 * i for i, endpoint in enumerate(endpoints) if endpoint == one] for one in wanted}
    assert {one: rows.tolist() for one, rows in index.at(wanted).items()} == {
        one: rows for one, rows in plain.items() if rows
    }


def test_many_small_batches_leave_few_runs() -> None:
    index = EndpointRows()
    for row in range(1000):
        index.add(np.array([row]), np.array([row % 3]))
    assert len(index._runs) <= 10
    assert index.at([2])[2].tolist() == list(range(2, 1000, 3))
