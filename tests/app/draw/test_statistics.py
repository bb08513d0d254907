"""The statistics page and its plots."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.draw.plots import bar, sparkline
from app.draw.spans import text_of, width_of
from app.draw.statistics import brief_seconds, rate_of, statistics_page
from capture.figures import figures_of
from capture.filter import parse_filter
from capture.statistics import Statistics, statistics_of
from capture.story import Story
from tests.capture.test_statistics import figures

LAB = Path(__file__).parents[2] / "fixtures" / "lab"
STORY = Story.open([str(LAB / "tour" / "wan.pcap.gz")])
TOUR = statistics_of(map(figures_of, STORY.flows))


def lines(statistics: Statistics, width: int = 100) -> list[str]:
    return [text_of(one.line) for one in statistics_page(statistics, width, zone=datetime.UTC)]


@pytest.mark.parametrize("width", [76, 80, 100, 128, 160])
def test_every_line_fits(width: int) -> None:
    for linked in statistics_page(TOUR, width, zone=datetime.UTC):
        assert width_of(linked.line) <= width, text_of(linked.line)


def test_each_line_leads_to_the_attempts_that_it_counts() -> None:
    led = [one for one in statistics_page(TOUR, 100) if one.expression]
    assert len(led) > 20
    for linked in led:
        assert linked.leads
        passing = parse_filter(linked.expression).select(STORY.flows)
        words = text_of(linked.line).split()
        if "relay" in linked.expression:
            assert passing
        elif "client.nat" in linked.expression and "and" not in linked.expression:
            continue  # a row of the matrix: its cells add up
        else:
            number = next(int(word) for word in words if word.isdigit())
            assert number == len(passing), text_of(linked.line)


def test_rows_of_the_matrix_add_up() -> None:
    for linked in statistics_page(TOUR, 100):
        if linked.expression.startswith("client.nat") and "and" not in linked.expression:
            words = text_of(linked.line).replace(" %", "%").split()[1:]
            counts = [int(word) for word in words if word.isdigit()]
            assert sum(counts) == len(parse_filter(linked.expression).select(STORY.flows))


def test_no_attempts_are_said_in_words() -> None:
    assert lines(statistics_of([])) == ["0 attempts", "Nothing to count yet."]
    assert rate_of(statistics_of([])) == "none has ended"


def test_many_relays_are_cut_and_said_so() -> None:
    from protocol.address import Address
    from tests.capture.test_statistics import asked

    everything = [asked(Address(f"192.0.{number // 250}.{number % 250 + 1}", 1)) for number in range(230)]
    page = lines(statistics_of([figures(1, asked=tuple(everything))]))
    assert any("Relays: 230" in line for line in page)
    assert any("and 30 more" in line for line in page)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0, "0.0 ms"), (0.0156, "15.6 ms"), (1.0, "1.00 s"), (35.123, "35.12 s"), (600, "600 s")]
)
def test_durations_are_brief(seconds: float, shown: str) -> None:
    assert brief_seconds(seconds) == shown


@given(st.floats(0, 1), st.integers(1, 60))
def test_a_bar_is_as_long_as_its_share_and_seen_if_there_is_any(share: float, width: int) -> None:
    drawn = bar(share, width)
    assert len(drawn) <= width
    assert bool(drawn) == (share > 0)
    assert abs(len(drawn) - share * width) <= 1


@given(st.lists(st.integers(0, 1000), max_size=90), st.integers(1, 60))
def test_a_sparkline_has_a_column_for_everything_and_no_more_than_there_is_room(values: list[int], width: int) -> None:
    drawn = sparkline(values, width)
    assert len(drawn) <= width
    assert bool(drawn.strip()) == any(values)
    if len(values) <= width:
        assert [column == " " for column in drawn] == [value == 0 for value in values]
