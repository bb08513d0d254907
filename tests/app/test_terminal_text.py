"""Nothing that a capture says can steer, hide or reorder what the terminal shows."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from app.terminal_text import cell_width, clip, pad, safe_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text [not markup]", "plain text [not markup]"),
        ("\x1b[31mred", "\\e[31mred"),
        ("a\nb\tc\r\0", "a\\nb\\tc\\r\\0"),
        ("\x9b2J\x85", "\\x9b2J\\x85"),
        ("abc\u202egpj.exe", "abc\\u202egpj.exe"),
        ("\u2066x\u2069\u200d\u200b", "\\u2066x\\u2069\\u200d\\u200b"),
        ("שלום", "\\u05e9\\u05dc\\u05d5\\u05dd"),
        ("e\u0301", "e\\u0301"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("日本 é ✓", "日本 é ✓"),
    ],
)
def test_what_could_steer_the_terminal_is_spelt_out(text: str, shown: str) -> None:
    assert safe_text(text) == shown


@given(st.text(st.characters(codec=None)))
def test_safe_text_is_visible_left_to_right_and_stable(text: str) -> None:
    shown = safe_text(text)
    assert safe_text(shown) == shown
    for character in shown:
        assert unicodedata.category(character)[0] != "C"
        assert unicodedata.bidirectional(character) not in {"R", "AL", "AN", "RLE", "RLO", "RLI", "LRO"}
        assert cell_len(character) >= 1


@given(st.text(st.characters(codec="utf-8")), st.integers(0, 40))
def test_padded_text_takes_exactly_its_cells(text: str, width: int) -> None:
    shown = safe_text(text)
    assert cell_width(pad(shown, width)) == width
    assert cell_width(clip(shown, width)) <= width
