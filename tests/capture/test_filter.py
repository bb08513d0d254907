"""Filters: what they select, and that a bad one says where and why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from capture.filter import FilterError, parse_filter
from capture.filter.names import FIELDS
from capture.filter.parsing import MAX_DEPTH
from capture.model import TokenState
from protocol.messages import Address
from tests.app.flows_by_hand import (
    BOTH_RANDOM,
    CONSISTENT_RANDOM,
    FAST_OPEN,
    SEALED,
    STORY,
    TWO_ROUNDS,
    UNANSWERED,
)

EVERY = (FAST_OPEN, BOTH_RANDOM, UNANSWERED, CONSISTENT_RANDOM, TWO_ROUNDS, SEALED)


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("", EVERY),
        ("   ", EVERY),
        ("verdict == both-nats-random", (BOTH_RANDOM,)),
        ("verdict == BOTH-NATS-RANDOM and client.firewall == random", (BOTH_RANDOM,)),
        ("verdict != punched", (BOTH_RANDOM, UNANSWERED, SEALED)),
        ("not verdict == punched", (BOTH_RANDOM, UNANSWERED, SEALED)),
        ("!(verdict == punched || outcome == unknown)", (BOTH_RANDOM, UNANSWERED)),
        ("outcome == failed or fast_open", (FAST_OPEN, BOTH_RANDOM, UNANSWERED)),
        ("fast_open == no and outcome==connected", (CONSISTENT_RANDOM, TWO_ROUNDS)),
        ("verdict == punched and fast_open or outcome == unknown", (FAST_OPEN, SEALED)),
        ("verdict == punched and (fast_open or outcome == unknown)", (FAST_OPEN,)),
        ("server.firewall == none", (UNANSWERED, SEALED)),
        ("path == none", (BOTH_RANDOM, UNANSWERED, SEALED)),
        ("rounds >= 2", (BOTH_RANDOM, CONSISTENT_RANDOM, TWO_ROUNDS)),
        ("round == 1 && duration < 2", (BOTH_RANDOM, TWO_ROUNDS)),
        ("retransmissions > 0", (UNANSWERED,)),
        ("inferred", (UNANSWERED,)),
        ("token == verified", (BOTH_RANDOM, CONSISTENT_RANDOM, TWO_ROUNDS)),
        ("client.token == verified", (CONSISTENT_RANDOM, TWO_ROUNDS)),
        ("token != unreadable", EVERY[:-1]),
        ("key.source == none", (SEALED,)),
        ("verdict ~ RANDOM", (BOTH_RANDOM,)),
        ("verdict == 'punched' and client.port == 51470", (FAST_OPEN,)),
        ('client == "11.2.0.2:40112"', (BOTH_RANDOM,)),
        ("client == 11.2.0.0/16 and server.port < 58201", (FAST_OPEN, UNANSWERED)),
        ("client == 11.2.0.2", EVERY),
        ("relay == 11.1.8.10:49737", EVERY),
        ("relay == 11.1.8.10:1", ()),
        (f"id == {TWO_ROUNDS.id[:6]}", (TWO_ROUNDS,)),
        (f"target == {TWO_ROUNDS.target.hex()}", (TWO_ROUNDS,)),
    ],
)
def test_it_selects(text: str, selected: tuple[object, ...]) -> None:
    assert parse_filter(text).select(STORY.flows) == selected


def test_any_side_with_a_mismatch_is_found() -> None:
    bad = replace(TWO_ROUNDS, client_token=TokenState.MISMATCH)
    assert parse_filter("token == mismatch").select((FAST_OPEN, bad)) == (bad,)


def test_ipv6_hosts_compare() -> None:
    six = replace(FAST_OPEN, client=Address("2001:db8::7", 4000))
    for text in ("client == [2001:db8::7]:4000", "client == 2001:db8::/32", "client == 2001:db8::7"):
        assert parse_filter(text).matches(six)
        assert not parse_filter(text).matches(FAST_OPEN)


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("verdikt == punched", 1, "did you mean verdict?"),
        ("fast_open and zzz == 1", 15, "no field is named 'zzz'; fields are verdict,"),
        ("verdict == punchd", 12, "verdict is never 'punchd'; it is one of punched, open-server"),
        ("verdict", 8, "verdict needs an operator and a value"),
        ("verdict ==", 11, "expected a value for verdict"),
        ("verdict == and", 12, "expected a value for verdict"),
        ("verdict < punched", 9, "verdict is no number"),
        ("rounds > two", 10, "rounds is a number, 'two' is none"),
        ("(fast_open", 11, "the parenthesis of column 1 is never closed"),
        ("fast_open)", 10, "expected 'and', 'or' or the end, found ')'"),
        ("fast_open inferred", 11, "expected 'and', 'or' or the end, found 'inferred'"),
        ("client == 'x", 11, "a quote that is never closed"),
        ("client == somewhere", 11, "client is an address"),
        ("client == 1.2.3.4:http", 11, "'http' is no port"),
        ("id == xyz", 7, "id is hex, 'xyz' is not"),
        ("fast_open == maybe", 14, "fast_open is yes or no"),
        ("fast_open & inferred", 11, "'&' is not part of a filter"),
        ("= 3", 1, "'=' is not part of a filter"),
        ("and", 1, "expected a field, found 'and'"),
        ("not", 4, "expected a field, found 'the end'"),
        ("not " * (MAX_DEPTH + 1) + "fast_open", 4 * MAX_DEPTH + 1, "inside each other"),
    ],
)
def test_a_bad_filter_says_where_and_why(text: str, column: int, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert caught.value.column == column
    assert says in caught.value.reason


@given(
    st.text()
    | st.lists(
        st.sampled_from([*FIELDS, "==", "!=", "<", "~", "and", "or", "not", "(", ")", "'", "none", "1", "1.2.3.4:5"])
    ).map(" ".join)
)
@example("client == " + "1" * 5000)
@example("((((" * 500)
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    column = 1
    try:
        parse_filter(text).on(STORY).select(STORY.flows)
    except FilterError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1


def test_every_field_of_attempts_reads_every_attempt() -> None:
    for field in FIELDS.values():
        for flow in STORY.flows:
            if field.of_flow is not None:
                assert isinstance(field.of_flow(flow), tuple)
        assert field.says
