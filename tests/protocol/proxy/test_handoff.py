"""The values of hand-offs: there and back, and what bytes that are none of them lead to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import DecodeError
from protocol.messages import Address, RelayInfo
from protocol.proxy.handoff import (
    MAX_TEXT,
    Known,
    Named,
    ProxyRole,
    ProxyState,
    Round,
    Start,
    Status,
    decode_named,
    decode_round,
    decode_start,
    decode_status,
    encode_named,
    encode_round,
    encode_start,
    encode_status,
)
from protocol.proxy.sealing import link_keys, open_request, open_response, seal_request, seal_response, split_request
from tests.protocol.strategies import addresses, fixed32, u16s, u32s

names = st.binary(min_size=16, max_size=16)
relays = st.lists(st.builds(RelayInfo, addresses, addresses), min_size=1, max_size=8).map(tuple)
knowns = st.builds(
    Known, u32s, st.integers(0, 3), st.lists(addresses, max_size=8).map(tuple), addresses, st.none() | fixed32
)
starts = st.builds(
    Start,
    handoff=names,
    role=st.sampled_from(ProxyRole),
    target=fixed32,
    id=u32s,
    secret=fixed32,
    local_stream=u32s,
    remote_stream=u32s,
    firewall=st.integers(0, 3),
    relays=relays,
    relay=addresses,
    server=addresses,
    token_key=fixed32,
    fast_open=st.booleans(),
    known=st.none() | knowns,
)
rounds = st.builds(
    Round, handoff=names, tid=u16s, relay=addresses, client=addresses, payload=st.binary(max_size=1024), size=u16s
)
statuses = st.builds(
    Status,
    handoff=names,
    state=st.sampled_from(ProxyState),
    cause=st.text(st.characters(codec="utf-8"), max_size=MAX_TEXT),
    forwarded=u32s,
    lease=st.floats(0, 1000),
)

Codec = tuple[st.SearchStrategy[Any], Callable[[Any], bytes], Callable[[bytes], Any]]
CODECS: dict[str, Codec] = {
    "start": (starts, encode_start, decode_start),
    "round": (rounds, encode_round, decode_round),
    "named": (st.builds(Named, names), encode_named, decode_named),
    "status": (statuses, encode_status, decode_status),
}
ONE = Start(
    b"h" * 16,
    ProxyRole.CLIENT,
    b"t" * 32,
    7,
    b"s" * 32,
    1,
    2,
    3,
    (RelayInfo(Address("192.0.2.1", 1), Address("192.0.2.2", 2)),),
    Address("192.0.2.1", 1),
    Address("192.0.2.2", 2),
    known=Known(1, 2, (Address("192.0.2.3", 3),), Address("192.0.2.2", 2), b"k" * 32),
)


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_value_comes_back(name: str, data: st.DataObject) -> None:
    strategy, encode, decode = CODECS[name]
    value = data.draw(strategy)
    assert decode(encode(value)) == value
    assert len(encode(value)) < 1200, "it fits in a datagram"


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_bytes_are_a_value_or_an_error(name: str, data: st.DataObject) -> None:
    """Law: bytes give a value or a DecodeError, whether they are CBOR or not."""
    strategy, encode, decode = CODECS[name]
    kind = data.draw(st.sampled_from(["bytes", "cut", "changed", "cbor"]))
    if kind == "bytes":
        raw = data.draw(st.binary(max_size=200))
    elif kind == "cbor":
        raw = cbor2.dumps(
            data.draw(
                st.recursive(
                    st.none()
                    | st.booleans()
                    | st.integers()
                    | st.floats()
                    | st.binary(max_size=20)
                    | st.text(max_size=9),
                    lambda inner: (
                        st.lists(inner, max_size=4)
                        | st.dictionaries(st.sampled_from(["handoff", "role", "known", "relays", "id", "lease"]), inner)
                    ),
                    max_leaves=8,
                )
            )
        )
    else:
        raw = encode(data.draw(strategy))
        at = data.draw(st.integers(0, len(raw) - 1))
        raw = raw[:at] if kind == "cut" else raw[:at] + bytes([data.draw(st.integers(0, 255))]) + raw[at + 1 :]
    with suppress(DecodeError):
        decode(raw)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("handoff", b"short", "5 bytes where 16 are due"),
        ("handoff", None, "missing"),
        ("role", "relay", "not one of those"),
        ("id", -1, "-1 where"),
        ("id", True, "bool where int"),
        ("local_stream", 1 << 32, "where 0 to"),
        ("relays", [b"x"], "a string of 12 bytes"),
        ("relays", [bytes(12)] * 9, "9 entries"),
        ("relay", None, "names relays and server"),
        ("known", [1], "list where dict"),
    ],
)
def test_what_is_wrong_is_named(key: str, value: object, reason: str) -> None:
    fields = cbor2.loads(encode_start(ONE))
    fields[key] = value
    with pytest.raises(DecodeError, match=reason) as error:
        decode_start(cbor2.dumps(fields))
    assert error.value.field.startswith(f"start.{key}")


def test_keys_that_are_not_known_are_ignored() -> None:
    fields = cbor2.loads(encode_start(ONE))
    assert decode_start(cbor2.dumps(fields | {"later": 1})) == ONE


def test_secrets_do_not_show() -> None:
    assert ONE.secret.hex() not in repr(ONE)
    assert str(ONE.secret) not in repr(ONE)


def test_only_the_keys_of_the_link_open_a_message() -> None:
    keys, others = link_keys(b"a" * 32, b"b" * 32), link_keys(b"a" * 32, b"c" * 32)
    request = split_request(seal_request(keys, 5, 9, 2, b"what"))
    assert request is not None
    assert (request.link, request.number) == (5, 9)
    assert open_request(keys, request, 2) == b"what"
    assert open_request(keys, request, 3) is None
    assert open_request(keys, request._replace(number=10), 2) is None
    assert open_request(link_keys(b"b" * 32, b"a" * 32), request, 2) is None
    response = seal_response(keys, 9, 2, b"so")
    assert open_response(keys, 9, 2, response) == b"so"
    assert open_response(keys, 10, 2, response) is None
    assert open_response(keys, 9, 3, response) is None
    assert open_response(others, 9, 2, response) is None
    assert open_response(keys, 9, 2, request.sealed) is None
    assert split_request(b"short") is None
