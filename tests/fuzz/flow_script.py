"""Bytes as a script of what passes on the wire: each few of them are one packet, mostly a plausible one.

Random bytes hardly ever make a datagram that the flow builder looks at twice. So a script chooses: who sends what
to whom, which leg of which attempt, what the sealed payload says; and raw bytes now and then.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache

from protocol.constants import Command
from protocol.envelope import encode_request, encode_response
from protocol.hashes import node_id
from protocol.messages import (
    Address,
    Announce,
    Handshake,
    Holepunch,
    HolepunchPayload,
    PeerRecord,
    Request,
    Response,
)
from protocol.peer_values import encode_announce, encode_handshake, encode_holepunch, encode_peer_record
from protocol.secretbox import NONCE_SIZE, seal_payload
from tests.capture.noise_ik import keys_of
from tests.capture.story_builder import (
    CLIENT_TOKEN,
    FAR_RELAY,
    OTHER_RELAY,
    RELAY,
    SERVER_TOKEN,
    Call,
    hello,
    says,
    udx,
)
from tests.capture.wire_builder import NODE, Wire

HOSTS = ("81.2.3.4", "92.5.6.7", "45.1.1.1", "45.2.2.2", "192.168.1.5", "192.168.1.6", "46.1.1.1", "127.0.0.1")
PORTS = (40001, 50001, 49737, 1)
LONGEST = 120
"""Packets of one script."""


@cache
def calls() -> tuple[Call, ...]:
    """Attempts that scripts play with: two to one server, one to another, one refused."""
    return (
        Call(Wire(), "fuzz one"),
        Call(Wire(), "fuzz two"),
        Call(Wire(), "fuzz three", key=keys_of("another server")),
        Call(Wire(), "fuzz four", offers=hello(error=1)),
    )


class Script:
    """Reads choices off bytes; what is not there is zero."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def over(self) -> bool:
        return self._at >= len(self._data)

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def some(self) -> bytes:
        """Up to 63 bytes."""
        size = self.byte() % 64
        self._at += size
        return self._data[self._at - size : self._at]

    def address(self) -> Address:
        choice = self.byte()
        return Address(HOSTS[choice % 8], PORTS[choice // 8 % 4] + choice // 32 % 2)


def play(data: bytes) -> Wire:
    """What passes on the wire by this script."""
    wire, script = Wire(), Script(data)
    cast = [copy(call) for call in calls()]
    for call in cast:
        call.wire = wire
    while not script.over and len(wire.packets) < LONGEST:
        choice = script.byte()
        if choice % 2:
            _act(cast[choice // 2 % 4], script, choice // 8 % 16)
        else:
            src, dst = script.address(), script.address()
            payload = _MAKERS[choice // 2 % len(_MAKERS)](script, src, dst)
            wire.send(src, dst, payload, 5 if choice >= 192 else 64)
    return wire


def _act(call: Call, script: Script, act: int) -> None:
    """A whole step of an attempt, or some of its legs."""
    what = script.byte()
    legs = "".join(leg for bit, leg in enumerate("1234") if not what >> bit & 1)
    relay = (RELAY, OTHER_RELAY, FAR_RELAY, NODE)[what // 16 % 4]
    tid = 200 + what // 64 if act % 2 else None
    match act:
        case 0:
            call.find(relay, record=what % 2 == 0)
        case 1 | 2 | 3:
            call.handshake(relay, legs, tid, FAR_RELAY if what == 255 else None)
        case 4 | 5 | 6 | 7 | 8 | 9:
            answers = None if what % 5 == 4 else _payload(script)
            call.round(_payload(script), answers, relay=relay, legs=legs, tid=tid)
        case 10:
            call.punch(by_client=what % 2 == 0, low=what % 4 == 2, times=what // 64)
        case 11:
            call.stream(answered=what % 4 != 0)
        case 12:
            call.wire.ping(call.punch_socket if what % 2 else call.server_puncher, relay, script.address(), what // 128)
        case 13:
            call.wire.wait((0.1, 1.5, 12.0, 40.0)[what % 4])
        case 14:
            call.direct_handshake()
        case _:
            call.no_route(relay)


def _payload(script: Script) -> HolepunchPayload | bytes:
    what = script.byte()
    if what == 255:
        return script.some()
    error = script.byte() % 8
    return says(
        what % 4,
        error=error if error < 4 else 0,
        round=what // 4 % 3,
        punching=what & 16 != 0,
        addresses=(script.address(),) if what & 32 else None,
        token=(SERVER_TOKEN, CLIENT_TOKEN)[error % 2] if what & 64 else None,
        echo=(SERVER_TOKEN, CLIENT_TOKEN)[error // 2 % 2] if what & 128 else None,
    )


def _raw(script: Script, _src: Address, _dst: Address) -> bytes:
    return script.some()


def _punch(_script: Script, _src: Address, _dst: Address) -> bytes:
    return b"\0"


def _stream(script: Script, _src: Address, _dst: Address) -> bytes:
    return udx(script.byte() % 4)


def _leg(script: Script, src: Address, dst: Address) -> bytes:
    call = calls()[script.byte() % 4]
    mode, tid, about = script.byte() % 6, script.byte() % 4, script.byte()
    peer = script.address() if about & 1 else None
    if about & 2:
        body = call.noise.noise2 if mode in (1, 4) else call.noise.noise1
        value = encode_handshake(Handshake(mode, body, peer, script.address() if about & 4 else None))
    else:
        plaintext, nonce = script.some(), bytes((about, tid)).ljust(NONCE_SIZE, b"n")
        value = encode_holepunch(Holepunch(mode, about % 3, seal_payload(call.noise.secret, plaintext, nonce), peer))
    if about & 8:
        value = value[: len(value) - script.byte() % 32]
    if mode == 4 or about & 16:
        return encode_response(Response(tid, dst, node_id(src), value=None if about & 32 else value))
    command = Command.PEER_HANDSHAKE if about & 2 else Command.PEER_HOLEPUNCH
    return encode_request(Request(tid, dst, command, target=None if about & 64 else call.target, value=value))


def _search(script: Script, src: Address, dst: Address) -> bytes:
    call, what, tid = calls()[script.byte() % 4], script.byte(), script.byte() % 4
    record = PeerRecord(call.key.public_key, (dst,))
    if what % 4 == 0:
        return encode_request(Request(tid, dst, Command.FIND_PEER, target=call.target))
    if what % 4 == 1:
        value = encode_peer_record(record) if what & 4 else None
        return encode_response(Response(tid, dst, node_id(src), closer_nodes=(src, dst), value=value))
    if what % 4 == 2:
        value = encode_announce(Announce(record if what & 4 else None))
        return encode_request(Request(tid, dst, Command.ANNOUNCE + (what >> 3 & 1), target=call.target, value=value))
    return encode_request(Request(tid, dst, 0, internal=True))


_MAKERS: tuple[Callable[[Script, Address, Address], bytes], ...] = (_leg, _leg, _search, _punch, _stream, _raw)
