"""The language itself: what an expression is taken for, written out and read again, and times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.filter import FilterError, parse_filter
from capture.filter.checks import When
from capture.filter.fields import OPERATORS, Field, Kind
from capture.filter.names import FIELDS
from capture.filter.parsing import parse
from capture.filter.tree import And, Comparison, Node, Not, Or, joined, negated, text_of

VALUES: dict[Kind, st.SearchStrategy[str]] = {
    Kind.HEX: st.text("0123456789abcdef", min_size=1, max_size=64),
    Kind.ADDRESS: st.sampled_from(["10.0.0.1", "10.0.0.0/8", "10.0.0.1:5000", "2001:db8::/32", "[2001:db8::7]:1"]),
    Kind.NUMBER: st.integers(-(1 << 40), 1 << 40).map(str) | st.floats(-1e9, 1e9).map(repr),
    Kind.TIME: st.sampled_from(["1", "0.25", "12:03", "23:59:59.999", "2025-07-23", "2025-07-23T12:03:04.5Z"]),
    Kind.TEXT: st.text(st.characters(exclude_characters="'\""), min_size=1),
    Kind.BYTES: st.binary(min_size=1, max_size=9).map(lambda part: f"0x{part.hex()}") | st.just("hello"),
    Kind.YES_NO: st.sampled_from(["yes", "no"]),
}


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    field = draw(st.sampled_from(list(FIELDS.values())))
    operator = draw(st.sampled_from([one for one in OPERATORS[field.kind] if one != "!="]))
    if operator in ("~", "=~") and field.kind is not Kind.BYTES:
        value = draw(
            st.text("abc123 .:()and", min_size=1, max_size=8).filter(
                lambda text: operator == "~" or ("(" not in text and ")" not in text)
            )
        )
    elif field.kind is Kind.WORD:
        value = draw(st.sampled_from([*field.words, "none"]))
    else:
        value = draw(VALUES[field.kind])
    return Comparison(field, operator, value, field.check(operator, value))


def nodes() -> st.SearchStrategy[Node]:
    return st.recursive(
        comparisons(),
        lambda inner: (
            inner.map(negated)
            | st.lists(inner, min_size=2, max_size=4).map(lambda terms: joined(And, terms))
            | st.lists(inner, min_size=2, max_size=4).map(lambda terms: joined(Or, terms))
        ),
        max_leaves=12,
    )


@given(nodes())
def test_an_expression_written_out_is_read_again(node: Node) -> None:
    assert parse(text_of(node)) == node


@given(nodes())
def test_other_spellings_are_the_same_expression(node: Node) -> None:
    assert parse(f" ( {text_of(node)} ) ") == node
    assert parse(f"! ( {text_of(node)} )") == negated(node)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("verdict eq punched", "verdict == punched"),
        ("tid ge 7 and port ne 5", "tid >= 7 and port != 5"),
        ("file contains lab or file matches '^a'", "file ~ lab or file =~ '^a'"),
        ("ip.addr == 10.0.0.1 && udp.port == 5", "addr == 10.0.0.1 and port == 5"),
        ("hyperdht.command == peer-handshake", "command == PEER_HANDSHAKE"),
        ("role == 'client relay'", "role == client-relay"),
        ("refused", "malformed == yes"),
        ("not not fast_open", "fast_open"),
        ("a != b", None),
        ("punched and 'both nats'", "text ~ punched and text ~ 'both nats'"),
        ("tid == 0x10", "tid == 16"),
    ],
)
def test_what_an_expression_is_taken_for(text: str, same: str | None) -> None:
    if same is None:
        with pytest.raises(FilterError):
            parse(text)
        return
    ours, theirs = parse(text), parse(same)
    assert ours is not None
    assert theirs is not None
    assert _checks(ours) == _checks(theirs)


def _checks(node: Node) -> object:
    """The tree without the words that were typed."""
    if isinstance(node, Comparison):
        return node.field.name, node.check
    if isinstance(node, Not):
        return "not", _checks(node.term)
    return type(node), [_checks(term) for term in node.terms]


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("tid =~ 7", 5, "tid is a number, it knows no =~: use ==, !=, <, <=, >, >= or ~"),
        ("time ~ 12", 6, "time is a time, it knows no ~"),
        ("time > soon", 8, "time is a time: seconds since the first packet"),
        ("time > 25:00", 8, "no time of day"),
        ("time > 2025-13-01", 8, "no date"),
        ("text =~ '('", 9, "no regular expression"),
        ("text =~ '" + "a" * 501 + "'", 9, "at most 500 characters"),
        ("payload ~ 0xabc", 11, "pairs of digits"),
        ("payload ~ ''", 11, "at least one byte"),
        ("tid > 1e400", 7, "none of this world"),
        ("tid == nan", 8, "none of this world"),
        ("src == 10.0.0.1:99999999", 8, "is no port"),
        ("'a text' == 1", 1, "a text stands alone"),
        ("zzz == 1", 1, "no field is named 'zzz'"),
        ("fast_opn", 1, "did you mean fast_open? A text goes in quotes"),
        ("role == relais", 9, "role is never 'relais'; it is one of client, client relay,"),
        ("malformed or", 13, "expected a field, found 'the end'"),
        ("fast_open " * 10_001, 100_001, "more than 10000 words"),
    ],
)
def test_what_is_wrong_is_said_with_its_column(text: str, column: int, says: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert says in caught.value.reason
    assert caught.value.column == column


BEGAN = datetime(2025, 7, 23, 9, 30, tzinfo=UTC)
ZONE = timezone(timedelta(hours=2))


def passes(text: str, seconds: float) -> bool:
    node = parse(text, ZONE)
    assert isinstance(node, Comparison)
    began_ns = int(BEGAN.timestamp()) * 10**9
    return node.check.holds(When(began_ns + round(seconds * 1e9), began_ns))


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("time > 1.5", (1.500000001, 60), (1.5, 0)),
        ("time >= 1.5", (1.5,), (1.499999999,)),
        ("time < 2", (1.9, -3), (2,)),
        ("time <= 2", (2,), (2.000000001,)),
        ("time == 2", (2, 2.999), (1.999, 3)),
        ("time == 1.5", (1.5, 1.59), (1.6, 1.49)),
        ("time >= -1", (-1, 5), (-1.1,)),
        ("time == 11:30", (0, 59.9), (-0.1, 60)),
        ("time > 11:30", (60, 90), (59, -1)),
        ("time > 11:30:30", (31,), (30.5,)),
        ("time <= 11:30:30.5", (30.5, 30.59), (30.6,)),
        ("time == 2025-07-23", (0, 3600), (-41_401, 45_001)),
        ("time >= 2025-07-23T11:30:10", (10,), (9.9,)),
        ("time >= 2025-07-23T09:30:10Z", (10,), (9.9,)),
        ("time < '2025-07-23 11:30:10+02:00'", (9.9,), (10,)),
    ],
)
def test_times(text: str, holds: tuple[float, ...], fails: tuple[float, ...]) -> None:
    assert all(passes(text, seconds) for seconds in holds)
    assert not any(passes(text, seconds) for seconds in fails)


def test_a_time_of_day_begins_anew_every_day() -> None:
    assert passes("time == 11:30", 86_400 + 30)
    assert not passes("time == 11:30", 86_400 - 30)


def test_every_kind_has_its_operators_and_every_field_says_what_it_is() -> None:
    assert set(OPERATORS) == set(Kind)
    for field in FIELDS.values():
        assert isinstance(field, Field)
        assert field.says
        assert (field.of_packet is None) == (field.columns is None)
        assert field.of_packet or field.of_flow
        assert (field.kind is Kind.WORD) == bool(field.words)


def test_no_name_is_another_field_s_alias() -> None:
    names = [name for field in FIELDS.values() for name in (field.name, *field.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.lower() and " " not in name for name in names)
