"""A connection attempt, datagram by datagram, as the relay of both sides sees it; sealed with real keys."""

from __future__ import annotations

from protocol.constants import Command, Mode
from protocol.envelope import encode_request, encode_response
from protocol.hashes import target_of
from protocol.intercept.values import Direction, Passing
from protocol.keys import key_pair
from protocol.messages import (
    Address,
    Announce,
    Handshake,
    Holepunch,
    HolepunchPayload,
    NoisePayload,
    PeerRecord,
    Request,
    Response,
)
from protocol.noise_handshake import NoiseInitiator, NoiseResponder
from protocol.secretbox import NONCE_SIZE, open_payload, seal_payload
from protocol.values import (
    decode_holepunch,
    decode_holepunch_payload,
    encode_announce,
    encode_handshake,
    encode_holepunch,
    encode_holepunch_payload,
    encode_noise_payload,
)

CLIENT, SERVER, RELAY = Address("10.0.0.1", 1001), Address("10.0.0.2", 2002), Address("10.0.0.3", 3003)
RECEIVED, SENT = Direction
TOKEN = b"t" * 32


class RelayedAttempt:
    """Both ends; every method gives the datagram of one leg."""

    def __init__(self, number: int = 1, client: Address = CLIENT) -> None:
        self.client = client
        self.pair = key_pair(b"server".ljust(32))
        self.target = target_of(self.pair.public_key)
        seed = bytes((number,)) * 32
        initiator = NoiseInitiator(key_pair(seed), self.pair.public_key, seed[::-1] + b"")
        responder = NoiseResponder(self.pair, bytes((number + 100,)) * 32)
        payload = encode_noise_payload(NoisePayload(1))
        self.noise1 = initiator.write_message_1(payload)
        responder.read_message_1(self.noise1)
        self.noise2, self.result = responder.write_message_2(payload)
        self.secret = self.result.holepunch_secret
        self.tid = 10 * number

    def announcement(self) -> bytes:
        record = PeerRecord(self.pair.public_key, (RELAY,))
        value = encode_announce(Announce(record, None, b"s" * 64))
        return encode_request(Request(1, RELAY, Command.ANNOUNCE, token=TOKEN, target=self.target, value=value))

    def handshake(self, mode: Mode) -> bytes:
        answer = mode in (Mode.FROM_SERVER, Mode.REPLY)
        peer = {Mode.FROM_CLIENT: None, Mode.REPLY: SERVER}.get(mode, self.client)
        value = encode_handshake(Handshake(mode, self.noise2 if answer else self.noise1, peer))
        return self._leg(Command.PEER_HANDSHAKE, self.tid, mode, value)

    def sealed(self, payload: HolepunchPayload) -> bytes:
        return seal_payload(self.secret, encode_holepunch_payload(payload), b"n" * NONCE_SIZE)

    def round(self, mode: Mode, number: int = 0, *, punching: bool = False, token: bytes | None = None) -> bytes:
        payload = HolepunchPayload(0, 2, number, False, punching, (self.client,), None, None, token)
        peer = {Mode.FROM_CLIENT: SERVER, Mode.REPLY: SERVER}.get(mode, self.client)
        value = encode_holepunch(Holepunch(mode, 0, self.sealed(payload), peer))
        return self._leg(Command.PEER_HOLEPUNCH, self.tid + 1 + number, mode, value)

    def opened(self, data: bytes) -> HolepunchPayload:
        from protocol.envelope import decode_request, decode_response

        message = decode_request(data) if data[0] == 3 else decode_response(data)
        assert message.value is not None
        plain = open_payload(self.secret, decode_holepunch(message.value).payload)
        assert plain is not None
        return decode_holepunch_payload(plain)

    def _leg(self, command: Command, tid: int, mode: Mode, value: bytes) -> bytes:
        if mode is Mode.REPLY:
            return encode_response(Response(tid, self.client, value=value))
        return encode_request(Request(tid, RELAY, command, target=self.target, value=value))

    def way(self, mode: Mode) -> tuple[Direction, Address]:
        """Which way a leg passes the relay, and who is at its other end."""
        return {
            Mode.FROM_CLIENT: (RECEIVED, self.client),
            Mode.FROM_RELAY: (SENT, SERVER),
            Mode.FROM_SERVER: (RECEIVED, SERVER),
            Mode.REPLY: (SENT, self.client),
        }[mode]


LEGS = (Mode.FROM_CLIENT, Mode.FROM_RELAY, Mode.FROM_SERVER, Mode.REPLY)
_count = 0


def passing(data: bytes, way: tuple[Direction, Address], now: float = 0.0) -> Passing:
    global _count  # noqa: PLW0603 - numbers are never used twice
    _count += 1
    return Passing(_count, way[0], way[1], 1, None, data, now)
