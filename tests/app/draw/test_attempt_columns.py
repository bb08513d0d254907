"""The columns that the attempt list can have: each says something, fits, and sorts."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from app.draw.attempt_columns import BY_ID, COLUMNS, STATE, Reads, Shown, Size, address_key
from app.draw.attempts import SIGNS, Order, attempt_columns, default_columns
from app.draw.spans import text_of, width_of
from protocol.messages import Address
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, SEALED, STORY, UNANSWERED

SHOWN = Shown(datetime.UTC, number=lambda _: 12345, files=("wan.pcap",), comment=lambda _: "look\x1b[2J at this")


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.id)
@pytest.mark.parametrize("size", Size)
def test_a_column_says_something_of_every_attempt_and_has_a_title_that_fits(column: object, size: Size) -> None:
    column = BY_ID[column.id]  # type: ignore[attr-defined]
    assert len(column.titles[size]) <= column.widths[size]
    assert column.help
    for flow in STORY.flows:
        text, _ = column.content(flow, SHOWN, size)
        assert text
        assert "\x1b" not in text


@pytest.mark.parametrize("id_", [column.id for column in COLUMNS if column.key is not None])
def test_values_of_a_column_compare(id_: str) -> None:
    key = BY_ID[id_].key
    assert key is not None
    keys = [key(flow) for flow in (*STORY.flows, replace(FAST_OPEN, client=None, server=None, relays=()))]
    assert sorted(one for one in keys if one is not None)


@pytest.mark.parametrize("width", [40, 80, 120, 150, 200, 900])
@pytest.mark.parametrize("chosen", [None, tuple(BY_ID), ("client", STATE), ("took",), ("nonsense",)])
def test_whatever_is_chosen_fills_the_line(width: int, chosen: tuple[str, ...] | None) -> None:
    columns = attempt_columns(width, chosen)
    assert width_of(columns.heading(Order("took"))) == width
    for flow in STORY.flows:
        assert width_of(columns.line(flow, SHOWN)) == width


def test_every_column_fits_a_very_wide_screen_in_the_order_that_was_chosen() -> None:
    chosen = tuple(reversed(BY_ID))
    assert tuple(column.id for column in attempt_columns(900, chosen).columns) == chosen


def test_what_does_not_fit_is_counted_and_the_state_stays() -> None:
    columns = attempt_columns(80, tuple(BY_ID))
    assert columns.left_out == len(BY_ID) - len(columns.columns)
    assert columns.columns[-1].id == STATE
    assert text_of(columns.heading()).endswith(f"+{columns.left_out}›")
    assert columns.size is Size.COMPACT


def test_few_columns_are_as_wide_as_they_can_be() -> None:
    columns = attempt_columns(80, ("key", STATE))
    assert columns.size is Size.WIDE
    assert sum(columns.widths) + SIGNS + columns.gap == 80


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_usual_columns_all_fit(width: int) -> None:
    assert attempt_columns(width).left_out == 0
    assert default_columns(width)[-1] == STATE


def test_the_heading_says_by_what_and_which_way_the_list_is_sorted() -> None:
    columns = attempt_columns(120)
    assert "time▲" in text_of(columns.heading(Order("time")))
    heading = text_of(columns.heading(Order("took", reverse=True)))
    assert "▼took" in heading
    assert "▲" not in heading


def test_a_title_is_found_where_it_stands() -> None:
    columns = attempt_columns(120)
    heading = text_of(columns.heading())
    for column in columns.columns:
        at = heading.index(f" {column.titles[columns.size]}") + 1
        assert columns.at(at) is column
    assert columns.at(0) is None


def test_addresses_are_in_the_order_of_their_numbers() -> None:
    written = ["9.0.0.1:2", "10.0.0.1:1", "10.0.0.1:10", "11.0.0.9:1"]
    addresses = [Address(host, int(port)) for host, _, port in (one.partition(":") for one in written)]
    assert sorted((addresses[2], addresses[0], addresses[3], addresses[1]), key=address_key) == addresses
    assert address_key(Address("::1", 5)) > address_key(addresses[-1])


def test_a_list_column_works_nothing_out() -> None:
    assert {column.id for column in COLUMNS if column.reads is Reads.LISTED} == {
        "number", "time", "id", "target", "comment",
    }  # fmt: skip


def test_the_state_is_a_glyph_and_words() -> None:
    state = BY_ID[STATE].content
    assert state(BOTH_RANDOM, SHOWN, Size.WIDE)[0] == "✗ both NATs random"
    assert state(UNANSWERED, SHOWN, Size.REGULAR)[0] == "✗ probe unanswered?"
    assert state(SEALED, SHOWN, Size.WIDE)[0] == "? incomplete"
