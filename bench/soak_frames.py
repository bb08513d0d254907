"""Single Ethernet frames for a soak: of attempts, over IPv6, and in fragments."""

from __future__ import annotations

import struct
from socket import inet_aton

import numpy as np

from bench.attempts import Packet
from bench.frames import Bytes, Numbers, big_endian

_ETHERNET = bytes((2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0))
_MORE = 0x2000
"""Flag of a fragment that others follow."""
_UDP = 17


def frame_of(packet: Packet) -> bytes:
    """A packet of an attempt."""
    src, dst = packet.src, packet.dst
    datagram = struct.pack(">HHHH", src.port, dst.port, 8 + len(packet.payload), 0) + packet.payload
    return _ipv4(datagram, inet_aton(src.host), inet_aton(dst.host), packet.ttl, 0, 0)


def fragments(host: int, number: int, payload: bytes) -> tuple[bytes, bytes]:
    """A datagram from a host to 14.0.0.2 in two fragments.

    Args:
        host: who sends it.
        number: identification of the datagram.
        payload: at least 40 bytes.
    """
    datagram = struct.pack(">HHHH", 5000, 5001, 8 + len(payload), 0) + payload
    ends = host.to_bytes(4, "big"), inet_aton("14.0.0.2")
    return _ipv4(datagram[:32], *ends, 60, number, _MORE), _ipv4(datagram[32:], *ends, 60, number, 32 // 8)


def over6(made: Bytes, host: Numbers) -> Bytes:
    """The same datagrams over IPv6, each to a host of its own.

    Args:
        made: frames over IPv4, all of one size.
        host: numbers of their hosts.
    """
    out = np.zeros((len(made), made.shape[1] + 20), np.uint8)
    out[:, :12] = made[:, :12]
    out[:, 12:15] = (0x86, 0xDD, 0x60)
    out[:, 18:20] = big_endian(np.full(len(made), made.shape[1] - 34), 2)
    out[:, 20:22] = (_UDP, 64)
    out[:, 22:24] = out[:, 38:40] = (0x20, 0x01)
    out[:, 34:38] = made[:, 26:30]
    out[:, 50:54] = big_endian(host, 4)
    out[:, 54:] = made[:, 34:]
    return out


def _ipv4(body: bytes, src: bytes, dst: bytes, ttl: int, number: int, fragment: int) -> bytes:
    return (
        _ETHERNET + struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), number, fragment, ttl, _UDP, 0) + src + dst + body
    )
