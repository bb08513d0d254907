"""Bytes in forms to take elsewhere."""

import ast
import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.draw.raw import Form, raw_lines, raw_text


@given(st.binary(max_size=200))
def test_every_form_says_all_the_bytes(data: bytes) -> None:
    assert bytes.fromhex(raw_text(data, Form.HEX)) == data
    assert base64.b64decode(raw_text(data, Form.BASE64)) == data
    (assignment,) = ast.parse(raw_text(data, Form.PYTHON)).body
    assert isinstance(assignment, ast.Assign)
    assert ast.literal_eval(assignment.value) == data
    numbers = re.findall(r"0x([0-9a-f]{2})", raw_text(data, Form.C))
    assert bytes.fromhex("".join(numbers)) == data
    assert f"data[{len(data)}]" in raw_text(data, Form.C)
    assert raw_text(data, Form.TEXT).encode().decode("unicode_escape").encode("latin-1") == data
    dumped = "".join(line[6:].split("  ")[0] for line in raw_lines(data, Form.DUMP, 80))
    assert bytes.fromhex(re.sub(r"[^0-9a-f]", "", dumped)) == data


@given(st.binary(max_size=300), st.integers(30, 200), st.sampled_from(list(Form)))
def test_lines_fit_and_hold_nothing_that_steers_a_terminal(data: bytes, width: int, form: Form) -> None:
    for line in raw_lines(data, form, width):
        assert all(" " <= character <= "~" or character == "·" for character in line)
        assert len(line) <= max(width, 45)


@pytest.mark.parametrize("form", list(Form))
def test_no_bytes_are_no_trouble(form: Form) -> None:
    assert isinstance(raw_text(b"", form), str)


def test_text_that_is_text_stays_readable() -> None:
    assert raw_text(b"GET / \\ \x00\x1b[2J", Form.TEXT) == "GET / \\\\ \\x00\\x1b[2J"
