"""Law: bytes give a value or DecodeError, never anything else; and what is encoded decodes to the same value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.constants import Command, InternalCommand
from protocol.decode import decode_datagram
from protocol.errors import DecodeError
from protocol.messages import Address, Foreign, Punch, Request, Response, UdxHeader, Undecodable
from protocol.values import decode_request_value, decode_response_value

from .codecs import CODECS, outcome
from .strategies import VALUES, payloads

TO = Address("127.0.0.1", 1)


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data())
def test_round_trip(codec: str, data: st.DataObject) -> None:
    value = data.draw(VALUES[codec])
    encoded = CODECS[codec].encode(value)
    assert CODECS[codec].decode(encoded) == value
    assert CODECS[codec].decode(encoded + b"more") == value or codec == "noise_payload"


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data())
def test_cut_values_raise_or_decode(codec: str, data: st.DataObject) -> None:
    encoded = CODECS[codec].encode(data.draw(VALUES[codec]))
    check(codec, encoded[: data.draw(st.integers(0, len(encoded)))])


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=200))
def test_any_bytes_raise_or_decode(codec: str, data: bytes) -> None:
    check(codec, data)


def check(codec: str, data: bytes) -> None:
    found = outcome(lambda: CODECS[codec].decode(data))
    assert found is not None
    if isinstance(found, DecodeError):
        assert 0 <= found.offset <= len(data)
        assert found.field
        assert found.reason


@given(payload=payloads, missing=st.integers(0, 300))
def test_any_datagram_is_a_message(payload: bytes, missing: int) -> None:
    message = decode_datagram(payload, len(payload) + missing)
    assert isinstance(message, Request | Response | UdxHeader | Punch | Undecodable | Foreign)
    if isinstance(message, Undecodable):
        assert 0 <= message.offset <= len(payload)
        assert missing or not message.truncated
    elif isinstance(message, Request | Response):
        assert missing or message.truncated_at is None
    if not missing:
        assert decode_datagram(payload) == message


@given(
    command=st.sampled_from([*Command, *InternalCommand, 99]),
    internal=st.booleans(),
    value=st.none() | st.binary(max_size=100),
    offset=st.integers(0, 100),
)
def test_values_of_any_command(command: int, internal: bool, value: bytes | None, offset: int) -> None:
    request = Request(1, TO, command, internal, value=value, value_offset=offset)
    response = Response(1, TO, value=value, value_offset=offset)
    for decode in (lambda: decode_request_value(request), lambda: decode_response_value(response, request)):
        found = outcome(decode)
        assert (found is None) == (value is None)
        if isinstance(found, DecodeError):
            assert value is not None
            assert offset <= found.offset <= offset + len(value)
