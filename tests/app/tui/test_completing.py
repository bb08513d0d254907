"""What is proposed while a filter is typed, and what is made of what is selected."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tui.completing import complete, unfinished
from app.tui.preparing import added, of_attempt, of_message_field, of_step
from capture.filter import FilterError, parse_filter
from capture.filter.fields import Kind
from capture.filter.names import FIELDS
from capture.story import Story
from protocol.dissect import dissect
from protocol.spans import Field

TOUR = Path(__file__).parents[3] / "app/samples/tour.pcapng"


@cache
def tour() -> Story:
    return Story.open([str(TOUR)])


def offered(text: str, cursor: int | None = None) -> list[str]:
    return [one.text for one in complete(text, len(text) if cursor is None else cursor).candidates]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("", ["verdict", "outcome"]),
        ("ver", ["verdict"]),
        ("port", ["port", "client.port"]),
        ("not ", ["verdict", "outcome"]),
        ("verdict ", ["==", "!="]),
        ("verdict =", ["==", "=~"]),
        ("verdict !", ["!="]),
        ("verdict == ", ["punched", "open-server"]),
        ("verdict == nat", ["nat-unknown", "nat-remapped"]),
        ("verdict == punched ", ["and", "or"]),
        ("verdict == punched a", ["and"]),
        ("verdict == punched and com", ["command", "comment"]),
        ("(fast", ["fast_open"]),
        ("fast_open ", ["==", "!=", "and", "or"]),
        ("fast_open a", ["and"]),
        ("fast_open == ", ["yes", "no"]),
        ("role == ", ["client", "'client relay'"]),
        ("role == 'client r", ["'client relay'"]),
        ("time > ", ["1.5", "12:34:56"]),
        ("command eq PEER", ["PEER_HANDSHAKE", "PEER_HOLEPUNCH"]),
        ("'some text' ", ["and", "or"]),
        ("hyperdht.command == pi", ["PING", "PING_NAT"]),
    ],
)
def test_proposals(text: str, first: list[str]) -> None:
    assert offered(text)[: len(first)] == first


@pytest.mark.parametrize("text", ["verdict == punched & ", "#", "zzz == ", "(verdict == punched) ) x"])
def test_where_nothing_can_be_said_nothing_is_proposed_or_only_what_joins(text: str) -> None:
    assert set(offered(text)) <= {"and", "or"}


def test_the_word_around_the_cursor_is_replaced() -> None:
    text = "verdict == punched and rounds > 1"
    found = complete(text, 5)
    assert found.accept(text, 0) == ("verdict == punched and rounds > 1", 8)
    found = complete(text, 15)
    assert found.accept(text, 0)[0] == "verdict == punched and rounds > 1"


@given(st.lists(st.integers(0, 60), min_size=1, max_size=12))
def test_whoever_takes_proposals_only_writes_what_parses(choices: list[int]) -> None:
    text, cursor = "", 0
    for choice in choices:
        found = complete(text, cursor)
        field = found.field
        if not found.candidates:
            assert field is not None
            assert field.kind in (Kind.NUMBER, Kind.TEXT, Kind.HEX)
            text, cursor = text + "1 ", cursor + 2
            continue
        text, cursor = found.accept(text, choice % len(found.candidates))
    error = _error_of(text)
    if error is not None:
        assert error.column >= len(text.rstrip()), "only the rest is missing"
        assert any(part in error.reason for part in ("'the end'", "expected a value", "needs an operator"))


def _error_of(text: str) -> FilterError | None:
    try:
        parse_filter(text)
    except FilterError as error:
        return error
    return None


@given(st.text(max_size=40), st.integers(0, 40))
def test_any_text_has_proposals_or_none(text: str, cursor: int) -> None:
    found = complete(text, min(cursor, len(text)))
    assert 0 <= found.start <= found.end <= len(text)


@pytest.mark.parametrize(
    ("text", "beginning"),
    [("verd", True), ("verdict == punched and cli", True), ("zzz", False), ("verdict", False), ("'verd'", False),
     ("client == verd", False), ("verd ", False), ("(ro", True), ("not ro", True), ("", False)],
)  # fmt: skip
def test_what_may_become_a_name(text: str, beginning: bool) -> None:
    assert unfinished(text) is beginning


def test_what_is_made_of_an_attempt_is_passed_by_it() -> None:
    for flow in tour().flows:
        prepared = of_attempt(flow)
        assert len(prepared) > 5
        for one in prepared:
            assert parse_filter(one.text).matches(flow), one.text


def test_what_is_made_of_a_step_is_passed_by_its_packet() -> None:
    for flow in tour().flows:
        for step in flow.steps:
            for one in of_step(flow, step):
                mask = parse_filter(one.text).on(tour()).mask()
                assert step.sighting is None or mask[step.sighting.row], one.text


def test_what_is_made_of_a_field_is_passed_by_its_packet() -> None:
    story = tour()
    found = set()
    for flow in story.flows[:4]:
        for message in flow.messages:
            row = message.sighting.row
            for field in _all(dissect(story.payload(message.sighting))):
                for one in of_message_field(field):
                    found.add(one.text.split()[0])
                    assert parse_filter(one.text).on(story).mask()[row], one.text
    assert {"tid", "to", "target", "command"} <= found


def _all(field: Field) -> list[Field]:
    return [field, *(inner for child in field.children for inner in _all(child))]


def test_a_filter_is_added_to_what_holds() -> None:
    assert added("", "a == 1") == "a == 1"
    assert added("x", "a == 1") == "x and a == 1"
    assert added("x or y", "a == 1") == "(x or y) and a == 1"
    assert added("x || y", "a == 1") == "(x || y) and a == 1"


def test_every_field_is_proposed() -> None:
    assert set(offered("")) == set(FIELDS)
