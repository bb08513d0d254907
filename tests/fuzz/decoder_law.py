"""The law of the decoder.

Law: for every payload, every length it had on the wire and every request it may answer,
- `decode_datagram` returns a message and raises nothing;
- the value of that message decodes, or raises DecodeError with an offset inside the payload;
- a message that was not cut encodes, and decodes from that to itself;
- the leaves of the dissected fields cover the payload once, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from protocol.decode import decode_datagram
from protocol.dissect import Field, dissect, dissect_holepunch_payload, dissect_noise_payload
from protocol.envelope import encode_request, encode_response
from protocol.errors import DecodeError
from protocol.messages import Address, Foreign, Punch, Request, Response, UdxHeader, Undecodable
from protocol.values import decode_holepunch_payload, decode_noise_payload, decode_request_value, decode_response_value
from tests.protocol.codecs import outcome

ANSWERED = [Request(0, Address("0.0.0.0", 0), command % 16, internal=command >= 16) for command in range(32)]


def check(data: bytes) -> None:
    """Hold one input to the law: its first two bytes choose the request and what the capture cut."""
    if len(data) < 2:
        return
    request = ANSWERED[data[0] % 32]
    payload = data[2:]
    check_message(payload, len(payload) + data[1] % 4 * 8, request)
    check_plaintext(payload)


def check_message(payload: bytes, wire_length: int, request: Request) -> None:
    """The law for one payload."""
    message = decode_datagram(payload, wire_length)
    cut = wire_length > len(payload)
    match message:
        case Request():
            check_error(lambda: decode_request_value(message), len(payload))
            if not cut:
                assert decode_datagram(encode_request(message)) == message
        case Response():
            check_error(lambda: decode_response_value(message, request), len(payload))
            if not cut:
                assert decode_datagram(encode_response(message)) == message
        case UdxHeader():
            assert len(payload) >= 20
        case Undecodable():
            assert 0 <= message.offset <= len(payload)
            assert cut or not message.truncated
        case _:
            assert isinstance(message, Punch | Foreign)
    check_cover(dissect(payload, wire_length, request=request), payload)


def check_plaintext(payload: bytes) -> None:
    """The law for the insides of seals."""
    check_error(lambda: decode_noise_payload(payload), len(payload))
    check_error(lambda: decode_holepunch_payload(payload), len(payload))
    check_cover(dissect_noise_payload(payload), payload)
    check_cover(dissect_holepunch_payload(payload), payload)


def check_error(decode: Callable[[], object], size: int) -> None:
    """A value, or an error that says where."""
    found = outcome(decode)
    if isinstance(found, DecodeError):
        assert found.field
        assert found.reason
        assert 0 <= found.offset <= size


def check_cover(root: Field, payload: bytes) -> None:
    """Every byte in one leaf, in order."""
    at = 0
    for leaf in leaves(root):
        assert leaf.start == at
        at = leaf.end
    assert at == len(payload)


def leaves(field: Field) -> Iterator[Field]:
    """The fields without children, in order."""
    if not field.children:
        yield field
    for child in field.children:
        yield from leaves(child)
