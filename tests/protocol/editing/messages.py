"""Messages to edit."""

from __future__ import annotations

from protocol.constants import Command, Mode
from protocol.editing.values import Opener
from protocol.envelope import encode_request, encode_response
from protocol.messages import Address, Handshake, Holepunch, HolepunchPayload, PeerRecord, Request, Response
from protocol.secretbox import NONCE_SIZE, seal_payload
from protocol.values import encode_handshake, encode_holepunch, encode_holepunch_payload, encode_peer_record

SECRET, TARGET, TOKEN = b"s" * 32, b"T" * 32, b"t" * 32
CLIENT, SERVER, RELAY = Address("10.0.0.1", 1001), Address("10.0.0.2", 2002), Address("10.0.0.3", 3003)
PAYLOAD = HolepunchPayload(0, 2, 1, False, True, (CLIENT, Address("10.9.9.9", 9)), None, TOKEN, b"r" * 32)
OPENER = Opener(secrets=(b"x" * 32, SECRET), random=lambda size: bytes(range(size)))
HOLEPUNCH_ASKED = Request(7, SERVER, Command.PEER_HOLEPUNCH, target=TARGET)


def sealed(payload: HolepunchPayload = PAYLOAD, secret: bytes = SECRET) -> bytes:
    return seal_payload(secret, encode_holepunch_payload(payload), b"n" * NONCE_SIZE)


def holepunch(payload: HolepunchPayload = PAYLOAD, mode: int = Mode.FROM_RELAY, secret: bytes = SECRET) -> bytes:
    value = encode_holepunch(Holepunch(mode, 5, sealed(payload, secret), CLIENT))
    return encode_request(Request(7, SERVER, Command.PEER_HOLEPUNCH, id=b"i" * 32, target=TARGET, value=value))


def holepunch_reply(payload: HolepunchPayload = PAYLOAD) -> bytes:
    value = encode_holepunch(Holepunch(Mode.REPLY, 0, sealed(payload), SERVER))
    return encode_response(Response(7, CLIENT, value=value))


def handshake(mode: int = Mode.FROM_CLIENT) -> bytes:
    value = encode_handshake(Handshake(mode, b"N" * 200, None, RELAY))
    return encode_request(Request(9, RELAY, Command.PEER_HANDSHAKE, target=TARGET, value=value))


FOUND = encode_response(
    Response(3, CLIENT, b"i" * 32, b"k" * 32, (SERVER,), value=encode_peer_record(PeerRecord(b"P" * 32, (RELAY,))))
)
FIND = Request(3, RELAY, Command.FIND_PEER, target=TARGET)
PING = encode_request(Request(1, SERVER, 0, True))
