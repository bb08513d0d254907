"""Looking for many values at once finds what looking for each would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.capture.traces import bytes_in, words_in

few = st.lists(st.sampled_from([b"a", b"B", b"1", b".", b"ab"]), max_size=40).map(b"".join)
words = st.lists(st.sampled_from([b"a", b"b", b"1"]), min_size=1, max_size=12).map(b"".join)


@given(few, st.sets(few, max_size=5), st.data())
def test_bytes(content: bytes, values: set[bytes], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(content)))
    values.add(content[start : start + data.draw(st.integers(0, 20))])
    assert bytes_in(content, values) == sorted(value for value in values if value and value in content)


@given(few, st.sets(words, max_size=5))
def test_words(content: bytes, values: set[bytes]) -> None:
    assert words_in(content, values) == sorted(value for value in values if value in content.lower())
