"""Hole-punch attempts for generated captures, with transcripts and sealed payloads that open as real ones do.

The handshake hash takes in nothing but what is on the wire, so noise messages of random bytes give keys that a reader
of the capture rebuilds, and payloads sealed with them open.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from protocol.constants import Command, Firewall, Mode
from protocol.envelope import encode_request, encode_response
from protocol.hashes import target_of
from protocol.messages import Address, Handshake, Holepunch, HolepunchPayload, PeerRecord, Request, Response, UdxHeader
from protocol.noise import handshake_hash, holepunch_secret
from protocol.peer_values import encode_handshake, encode_holepunch, encode_peer_record
from protocol.sealed_values import encode_holepunch_payload
from protocol.secretbox import seal_payload
from protocol.udx import encode_udx

PEER_PACKETS = 12
"""PEER_HANDSHAKE and PEER_HOLEPUNCH packets of one attempt: three exchanges of four legs."""


class Packet(NamedTuple):
    """One datagram of an attempt; time in seconds from its start."""

    time: float
    src: Address
    dst: Address
    ttl: int
    payload: bytes


def attempt(rng: random.Random, client: Address, relay: Address, server: Address) -> Iterator[Packet]:
    """One attempt through one relay, as a capture at the relay's side of the net would see all of it."""
    public_key = rng.randbytes(32)
    target = target_of(public_key)
    tid = rng.randrange(0x10000)
    record = encode_peer_record(PeerRecord(public_key, (relay,)))
    find = Request(tid, relay, Command.FIND_PEER, target=target)
    yield Packet(0.0, client, relay, 60, encode_request(find))
    yield Packet(0.02, relay, client, 64, encode_response(Response(tid, client, id=rng.randbytes(32), value=record)))

    noise1, noise2 = rng.randbytes(32 + 48 + 90), rng.randbytes(32 + 120)
    values = [
        encode_handshake(Handshake(Mode.FROM_CLIENT, noise1)),
        encode_handshake(Handshake(Mode.FROM_RELAY, noise1, peer_address=client)),
        encode_handshake(Handshake(Mode.FROM_SERVER, noise2, peer_address=client)),
        encode_handshake(Handshake(Mode.REPLY, noise2)),
    ]
    yield from _legs(rng, 0.05, Command.PEER_HANDSHAKE, target, values, client, relay, server)

    secret = holepunch_secret(handshake_hash(public_key, noise1, noise2))
    puncher, server_puncher = Address(client.host, client.port ^ 1), Address(server.host, server.port ^ 1)
    token, server_token = rng.randbytes(32), rng.randbytes(32)
    for number in (0, 1):
        ask = HolepunchPayload(
            0, Firewall.CONSISTENT, number, punching=number == 1, addresses=(puncher,), remote_address=server_puncher,
            token=token, remote_token=server_token if number else None,
        )  # fmt: skip
        answer = HolepunchPayload(
            0, Firewall.CONSISTENT, number, punching=number == 1, addresses=(server_puncher,), remote_address=puncher,
            token=server_token, remote_token=token if number else None,
        )  # fmt: skip
        asked = seal_payload(secret, encode_holepunch_payload(ask), rng.randbytes(24))
        answered = seal_payload(secret, encode_holepunch_payload(answer), rng.randbytes(24))
        values = [
            encode_holepunch(Holepunch(Mode.FROM_CLIENT, 1, asked, peer_address=server)),
            encode_holepunch(Holepunch(Mode.FROM_RELAY, 1, asked, peer_address=puncher)),
            encode_holepunch(Holepunch(Mode.FROM_SERVER, 0, answered, peer_address=puncher)),
            encode_holepunch(Holepunch(Mode.REPLY, 0, answered, peer_address=server)),
        ]
        start = 0.2 + 0.3 * number
        yield from _legs(rng, start, Command.PEER_HOLEPUNCH, target, values, puncher, relay, server)
    yield Packet(0.7, server_puncher, puncher, 58, b"\x00")
    yield Packet(0.71, puncher, server_puncher, 60, b"\x00")
    stream = rng.randrange(1 << 32)
    yield Packet(0.75, puncher, server_puncher, 60, encode_udx(UdxHeader(1, 0, stream, 65536, 0, 0), rng.randbytes(56)))
    yield Packet(0.78, server_puncher, puncher, 58, encode_udx(UdxHeader(0, 0, stream ^ 1, 65536, 0, 1)))


def _legs(
    rng: random.Random,
    start: float,
    command: Command,
    target: bytes,
    values: list[bytes],
    client: Address,
    relay: Address,
    server: Address,
) -> Iterator[Packet]:
    tid = rng.randrange(0x10000)
    node = rng.randbytes(32)
    asked = Request(tid, relay, command, target=target, value=values[0])
    yield Packet(start, client, relay, 60, encode_request(asked))
    passed = Request(tid, server, command, id=node, target=target, value=values[1])
    yield Packet(start + 0.001, relay, server, 64, encode_request(passed))
    back = Request(tid, relay, command, target=target, value=values[2])
    yield Packet(start + 0.04, server, relay, 58, encode_request(back))
    yield Packet(start + 0.041, relay, client, 64, encode_response(Response(tid, client, id=node, value=values[3])))
