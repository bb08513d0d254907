"""Names for addresses, networks and keys: which one fits, and that they do no harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app import names
from app.draw import terms
from app.names import LONGEST_NAME, NO_NAMES, AliasError, Names, canonical, parse_aliases
from app.terminal_text import cell_width
from protocol.hashes import target_of
from protocol.keys import z32_encode
from protocol.messages import Address

KEY = bytes(range(32))
HOME = Address("203.0.113.7", 49737)


@pytest.fixture(autouse=True)
def none_left() -> Iterator[None]:
    yield
    names.use(NO_NAMES)
    names.show(True)


def test_the_closest_name_counts() -> None:
    found = Names({"203.0.113.7:49737": "relay", "203.0.113.7": "box", "203.0.113.0/24": "lab", "203.0.0.0/16": "net"})
    assert found.address(HOME) == "relay"
    assert found.address(HOME._replace(port=1)) == "box:1"
    assert found.address(Address("203.0.113.8", 2)) == "lab:2"
    assert found.address(Address("203.0.9.9", 3)) == "net:3"
    assert found.address(Address("198.51.100.1", 4)) is None
    assert found.address(None) is None
    assert found.host(HOME) == "box"


def test_ipv6_in_any_spelling() -> None:
    found = Names({"2001:DB8:0::1": "six", "[2001:db8::2]:9": "port", "fe80::/10": "link"})
    assert found.address(Address("2001:db8::1", 5)) == "six:5"
    assert found.address(Address("2001:db8::2", 9)) == "port"
    assert found.address(Address("fe80::7", 1)) == "link:1"


def test_keys_by_hex_z32_and_first_digits() -> None:
    found = Names({z32_encode(KEY): "server", "ffee": "other"})
    assert found.key(KEY) == "server"
    assert found.key(target_of(KEY)) == "server"
    assert found.key(bytes.fromhex("ffee") + KEY[2:]) == "other"
    assert found.key(bytes(32)) is None
    assert Names({KEY.hex().upper(): "server"}).entries == {KEY.hex(): "server"}


@pytest.mark.parametrize(
    "wrong", ["", "nowhere", "1.2.3.4:99999", "1.2.3.4:x", "10.0.0.0/99", "abc", "2001:db8::1:9/x"]
)
def test_what_is_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(AliasError):
        canonical(wrong)


def test_options() -> None:
    assert parse_aliases(["10.0.0.1=a=b", "10.0.0.1 = c"]).entries == {"10.0.0.1": "c"}
    with pytest.raises(AliasError, match="not ADDRESS=NAME"):
        parse_aliases(["10.0.0.1"])
    with pytest.raises(AliasError, match="empty"):
        parse_aliases(["10.0.0.1= "])


def test_names_are_harmless_and_short() -> None:
    found = Names({"10.0.0.1": "\x1b[31m[bold]\u202e" + "長" * 99})
    shown = found.host("10.0.0.1")
    assert shown is not None
    assert shown.startswith("\\e[31m[bold]\\u202e")
    assert cell_width(shown) <= LONGEST_NAME


def test_a_value_changes_into_another() -> None:
    first = NO_NAMES.with_name("10.0.0.1", "a")
    assert not NO_NAMES
    assert first.with_name("10.0.0.1", "") == NO_NAMES
    assert first.merged(Names({"10.0.0.1": "b", "10.0.0.2": "c"})).entries == {"10.0.0.1": "b", "10.0.0.2": "c"}


def test_what_is_drawn_asks_the_names_in_use() -> None:
    assert terms.address(HOME) == "203.0.113.7:49737"
    names.use(Names({"203.0.113.7": "box", KEY.hex(): "server"}))
    assert terms.address(HOME) == "box:49737"
    assert terms.host(HOME) == "box"
    assert terms.key(KEY) == "server"
    names.show(False)
    assert not names.shown()
    assert terms.host(HOME) == "203.0.113.7"
    assert terms.key(KEY) == "0001…1e1f"
    assert names.chosen().host(HOME) == "box"
