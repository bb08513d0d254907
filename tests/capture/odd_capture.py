"""A capture of everything that is rare: cut, damaged, fragmented, IPv6, commands and errors that nobody sends."""

from __future__ import annotations

import random
from ipaddress import ip_address

from protocol.constants import Command, Mode
from protocol.envelope import encode_request, encode_response
from protocol.messages import Address, Handshake, Request, Response
from protocol.values import encode_handshake
from tests.capture.build import ethernet, ipv4, ipv6, pcap, udp

HOSTS = ("10.0.0.1", "10.0.0.2", "192.0.2.9", "2001:db8::7", "2001:db9::8")
PORTS = (49737, 5000, 65535)
PACKETS = 700
SNAPLEN = 150


def odd_capture(seed: int = 7) -> bytes:
    """A pcap file; the same for the same seed."""
    some = random.Random(seed)
    frames: list[bytes] = []
    asked: list[tuple[Request, str, str, int, int]] = []
    for number in range(PACKETS):
        src, dst = some.sample(HOSTS[:3] if some.random() < 0.7 else HOSTS[3:], 2)
        ends = some.choice(PORTS), some.choice(PORTS)
        payload = _payload(some)
        draw = some.random()
        if draw < 0.35:
            request = _request(some)
            payload = encode_request(request)
            asked.append((request, src, dst, *ends))
        elif draw < 0.7 and asked:
            request, dst, src, dport, sport = some.choice(asked[-12:])
            ends = sport, dport
            payload = encode_response(_response(some, request))
        if some.random() < 0.08 and payload:
            at = some.randrange(len(payload))
            payload = payload[:at] + some.randbytes(1) + payload[at + 1 :]
        if some.random() < 0.05:
            payload = payload[: some.randrange(len(payload) + 1)]
        frames += _frames(
            payload, src, dst, *ends, ttl=some.choice((3, 64, 255)), ip_id=number, split=some.random() < 0.05
        )
    return pcap(frames, snaplen=SNAPLEN)


def _frames(
    payload: bytes, src: str, dst: str, sport: int, dport: int, *, ttl: int, ip_id: int, split: bool
) -> list[bytes]:
    body = udp(payload, sport, dport)
    if ":" in src:
        packet = ipv6(body, ip_address(src).packed, ip_address(dst).packed, hops=ttl)
        return [ethernet(packet, 0x86DD)]
    if not split or len(body) <= 16:
        return [ethernet(ipv4(body, src, dst, ttl, ip_id))]
    return [
        ethernet(ipv4(body[:16], src, dst, ttl, ip_id, fragment=0x2000)),
        ethernet(ipv4(body[16:], src, dst, ttl, ip_id, fragment=2)),
    ]


def _request(some: random.Random) -> Request:
    internal = some.random() < 0.3
    command = some.choice((0, 0, 1, 2, 3, 4, 12, 254, 255, 300))
    value = some.choice((None, b"", some.randbytes(5), some.randbytes(300)))
    if command == Command.PEER_HANDSHAKE and not internal and some.random() < 0.8:
        value = encode_handshake(Handshake(some.choice(list(Mode)), some.randbytes(90)))
        if some.random() < 0.2:
            value = b"\x00" + bytes((some.randrange(256),)) + value[2:]
    return Request(
        some.randrange(4),
        Address("10.9.9.9", 1),
        command,
        internal=internal,
        id=some.choice((None, some.randbytes(32))),
        token=some.choice((None, some.randbytes(32))),
        target=some.choice((None, bytes(32), some.choice((b"\x1a", b"\x1b", b"\xff")) * 32)),
        value=value,
    )


def _response(some: random.Random, request: Request) -> Response:
    closer = some.choice((None, (), (Address("10.1.1.1", 2),) * 3))
    value = some.choice((None, request.value))
    return Response(
        request.tid,
        Address("10.8.8.8", 3),
        id=some.choice((None, some.randbytes(32))),
        token=some.choice((None, some.randbytes(32))),
        closer_nodes=closer,
        error=some.choice((0, 0, 1, 2, 16, 77, 252, 253, 400)),
        value=value,
    )


def _payload(some: random.Random) -> bytes:
    udx = b"\xff\x01" + bytes((some.randrange(64), 0)) + some.randbytes(16) + some.randbytes(some.randrange(3))
    return some.choice((b"\x00", b"", b"\x03", b"\x13\x00", udx, udx[:9], b"hello HYPER", some.randbytes(40)))
