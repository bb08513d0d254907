"""A datagram taken apart for editing, and put together again.

What nobody changes keeps its bytes: the payload is sealed again only if something inside was changed, the value and
the envelope are encoded again only if something of them was. A changed payload gets a fresh nonce.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from protocol.constants import DEFAULT_TTL, Command, Mode, ResponseError
from protocol.decode import decode_datagram
from protocol.editing.kinds import AddressList, AddressText, Hex, Number, Ttl, Word
from protocol.editing.lines import ABSENT, Line, line, under
from protocol.editing.payloads import HOLEPUNCH_LINES
from protocol.editing.values import Draft, EditError, Opener
from protocol.envelope import encode_request, encode_response
from protocol.errors import DecodeError
from protocol.messages import (
    Address,
    Handshake,
    Holepunch,
    HolepunchPayload,
    PeerRecord,
    Request,
    Response,
)
from protocol.sealed_values import decode_holepunch_payload, encode_holepunch_payload
from protocol.secretbox import NONCE_SIZE, open_payload, seal_payload
from protocol.values import (
    decode_request_value,
    decode_response_value,
    encode_handshake,
    encode_holepunch,
    encode_peer_record,
)

MOST_BYTES: Final = 65507
"""Of one UDP datagram over IPv4."""

Value = Handshake | Holepunch | PeerRecord


@dataclass(frozen=True, slots=True)
class Parts:
    """A datagram, taken apart as far as possible."""

    data: bytes
    to: Address
    ttl: int | None
    envelope: Request | Response | None = None
    """None of what is no message of dht-rpc."""
    value: Value | None = None
    """The decoded value; None where there is none, or it has fields that are not edited one by one."""
    payload: HolepunchPayload | None = None
    """What was inside the seal."""
    secret: bytes | None = None
    """What opened it."""

    @property
    def plain_value(self) -> bytes | None:
        """The value's bytes, where they are edited as such."""
        return None if self.envelope is None else self.envelope.value


def take_apart(draft: Draft, opener: Opener) -> Parts:
    """Take a datagram apart. Whatever the bytes are, there is something to edit: in the end, the bytes."""
    message = decode_datagram(draft.data)
    parts = Parts(*draft)
    if not isinstance(message, Request | Response):
        return parts
    try:
        if isinstance(message, Request):
            value = decode_request_value(message)
        else:
            value = None if opener.asked is None else decode_response_value(message, opener.asked)
    except DecodeError:
        value = None
    parts = replace(parts, envelope=message)
    if not isinstance(value, Handshake | Holepunch | PeerRecord):
        return parts
    payload, secret = _opened(value, opener)
    return replace(parts, value=value, payload=payload, secret=secret)


def put_together(was: Parts, parts: Parts, opener: Opener) -> Draft:
    """The datagram of changed parts.

    Raises:
        EditError: they can't be encoded.
    """
    if parts.data != was.data:
        return Draft(parts.data, parts.to, parts.ttl)
    value, envelope = parts.value, parts.envelope
    try:
        if parts.payload is not None and parts.payload != was.payload and isinstance(value, Holepunch):
            assert parts.secret is not None
            sealed = seal_payload(parts.secret, encode_holepunch_payload(parts.payload), opener.random(NONCE_SIZE))
            value = replace(value, payload=sealed)
        if value is not None and value != was.value and envelope is not None:
            envelope = replace(envelope, value=_encoded(value))
        data = was.data
        if envelope is not None and envelope != was.envelope:
            data = encode_request(envelope) if isinstance(envelope, Request) else encode_response(envelope)
    except ValueError as error:
        raise EditError("raw", str(error)) from None
    if len(data) > MOST_BYTES:
        raise EditError("raw", f"{len(data)} bytes are more than a datagram holds")
    return Draft(data, parts.to, parts.ttl)


def lines_of(parts: Parts) -> tuple[Line, ...]:
    """What can be edited of a datagram."""
    if parts.envelope is None:
        return (*DELIVERY, RAW)
    envelope = REQUEST if isinstance(parts.envelope, Request) else RESPONSE
    if isinstance(parts.value, Holepunch):
        inside = () if parts.payload is None else PAYLOAD
        return (*DELIVERY, *HOLEPUNCH, *inside, SEALED, *envelope, RAW)
    if isinstance(parts.value, Handshake):
        return (*DELIVERY, *HANDSHAKE, *envelope, RAW)
    if isinstance(parts.value, PeerRecord):
        return (*DELIVERY, *RECORD, *envelope, RAW)
    return (*DELIVERY, *envelope, PLAIN_VALUE, RAW)


def _opened(value: Value, opener: Opener) -> tuple[HolepunchPayload | None, bytes | None]:
    if not isinstance(value, Holepunch):
        return None, None
    for secret in opener.secrets:
        plaintext = open_payload(secret, value.payload)
        if plaintext is not None:
            try:
                return decode_holepunch_payload(plaintext), secret
            except DecodeError:
                return None, None
    return None, None


def _encoded(value: Value) -> bytes:
    if isinstance(value, Handshake):
        return encode_handshake(value)
    if isinstance(value, Holepunch):
        return encode_holepunch(value)
    return encode_peer_record(value)


def _command(parts: Parts) -> object:
    """Of hyperdht's own; dht-rpc's, which have the same numbers, stay what they are."""
    request = parts.envelope
    return request.command if isinstance(request, Request) and not request.internal else ABSENT


def _with_command(parts: Parts, command: object) -> Parts:
    assert isinstance(parts.envelope, Request)
    assert isinstance(command, int)
    return replace(parts, envelope=replace(parts.envelope, command=command))


def _with_ttl(parts: Parts, ttl: object) -> Parts:
    assert isinstance(ttl, int)
    return parts if parts.ttl is None and ttl == DEFAULT_TTL else replace(parts, ttl=ttl)


DELIVERY: Final = (
    line("destination", AddressText(), "to", note="where it is sent, or seems to come from"),
    Line("ttl", Ttl(), lambda parts: parts.ttl, _with_ttl),
)
REQUEST: Final = (
    *under("envelope", (line("tid", Number(65535)), line("to", AddressText()))),
    *under("envelope", (line("target", Hex(32), optional=True),)),
    Line("command", Word(Command), _command, _with_command),
    line("envelope.id", Hex(32), optional=True, note="of the sender, where it takes part in the DHT"),
    line("envelope.token", Hex(32), optional=True, note="of dht-rpc, for requests that store something"),
)
RESPONSE: Final = (
    *under("envelope", (line("tid", Number(65535)), line("to", AddressText()))),
    line("closer_nodes", AddressList(), "envelope.closer_nodes", optional=True),
    line("envelope.error", Word(ResponseError)),
    line("envelope.id", Hex(32), optional=True),
    line("envelope.token", Hex(32), optional=True),
)
HANDSHAKE: Final = under(
    "value",
    (
        line("mode", Word(Mode)),
        line("peer_address", AddressText(), optional=True),
        line("relay_address", AddressText(), optional=True),
        line("noise", Hex(), note="sealed: only its two ends open it"),
    ),
)
HOLEPUNCH: Final = under(
    "value",
    (
        line("mode", Word(Mode)),
        line("id", Number()),
        line("peer_address", AddressText(), optional=True),
    ),
)
SEALED: Final = line("payload", Hex(), "value.payload", note="the sealed bytes themselves")
PAYLOAD: Final = under("payload", HOLEPUNCH_LINES)
RECORD: Final = under("value", (line("public_key", Hex(32)), line("relay_addresses", AddressList())))
PLAIN_VALUE: Final = line("value", Hex(), "envelope.value", optional=True)
RAW: Final = line("raw", Hex(), "data", note="every byte, from the first on")
