"""Lines of attempts that were let go, on screens of every width."""

from __future__ import annotations

import datetime

import pytest

from app.draw.let_go import let_go_columns, let_go_heading, let_go_line
from app.draw.spans import text_of
from capture.let_go import Line
from capture.model import Outcome, VerdictCode
from protocol.address import Address

ONE = Line(
    "0123456789abcdef",
    1_700_000_000.0,
    1.25,
    Address("81.2.3.4", 40001),
    None,
    VerdictCode.PROBES_LOST,
    Outcome.FAILED,
    True,
    "RANDOM",
    "?",
)


def test_all_of_a_line_where_there_is_room() -> None:
    said = " ".join(text_of(let_go_line(ONE, 131, datetime.UTC)).split())
    assert said == "2023-11-14 22:13:20 81.2.3.4:40001 ? RANDOM × ? 1.250 s 01234567 ✗ probes-lost (likely)"
    assert text_of(let_go_heading(130)).split()[-1] == "verdict"


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_the_verdict_is_there_on_every_screen(width: int) -> None:
    line = text_of(let_go_line(ONE, width, datetime.UTC))
    assert "✗ probes-lost" in line[: max(width, 75)]
    assert len(line) <= max(width, sum(size + 1 for _, size in let_go_columns(width)) + 24)
    assert text_of(let_go_heading(width)).index("verdict") == line.index("✗")


def test_addresses_may_be_hidden() -> None:
    line = text_of(let_go_line(ONE, 130, datetime.UTC, lambda _: Address("192.0.2.1", 7)))
    assert "192.0.2.1:7" in line
    assert "81.2.3.4" not in line
