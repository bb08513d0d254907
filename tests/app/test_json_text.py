"""JSON text is, character for character, what the standard library writes with an indent of two."""

from __future__ import annotations

import json
from enum import IntEnum, StrEnum
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.json_text import indented
from app.report_json import report_document, report_pieces
from capture.model import Flow
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, SEALED, STORY

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=40,
)


class Word(StrEnum):
    ONE = "one"


class Number(IntEnum):
    SEVEN = 7


@given(VALUES)
def test_any_value(value: object) -> None:
    assert indented(value) == json.dumps(value, indent=2)


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        (),
        {"": {}, "%s": [], "100 %": "100 %", 'a "b"\n': [[], [{}]]},
        [True, False, None, 0, -1, 1 << 70, 1e300, -0.0, 1e-7, inf, -inf, nan],
        {"word": Word.ONE, "number": Number.SEVEN, "in": [Word.ONE, Number.SEVEN, (1, 2)]},
        ["\x00\x1b[31m", "ü€😀", "\ud800"],
    ],
)
def test_odd_values(value: object) -> None:
    assert indented(value) == json.dumps(value, indent=2)


def test_one_shape_at_several_depths() -> None:
    value = {"a": {"a": {"a": [{"a": 1}, {"a": "%d"}]}}}
    assert indented(value) == json.dumps(value, indent=2)


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, {"inside": [object()]}])
def test_what_json_can_not_say(value: object) -> None:
    with pytest.raises(TypeError):
        indented(value)


@pytest.mark.parametrize("flows", [[], [FAST_OPEN], [FAST_OPEN, SEALED, BOTH_RANDOM]])
@pytest.mark.parametrize("secrets", [False, True])
def test_the_pieces_of_a_report_are_the_report(flows: list[Flow], secrets: bool) -> None:
    notes = ["a note", "another"]
    whole = json.dumps(report_document(STORY.files, flows, notes=notes, secrets=secrets), indent=2) + "\n"
    pieces = list(report_pieces(STORY.files, flows, notes=notes, secrets=secrets))
    assert "".join(pieces) == whole
    assert len(pieces) == len(flows) + 1
