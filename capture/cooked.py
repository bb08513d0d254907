"""Frames of all interfaces at once, as "Linux cooked v2": their link headers differ, so each gets one that says no more
than where it was seen.

Header, 20 bytes, big-endian: protocol u16, reserved u16, interface index u32, ARPHRD type u16, packet type u8 (4:
outgoing), length of the address u8, link-layer address of the sender 8 bytes.

Source: LINKTYPE_LINUX_SLL2 (www.tcpdump.org/linktypes).
"""

from __future__ import annotations

import socket
from typing import Final

import numpy as np

from capture.arrays import I64, Array
from capture.bursts import Burst

HEADER_BYTES: Final = 20
_HEADER: Final = np.dtype(
    [
        ("protocol", ">u2"),
        ("reserved", ">u2"),
        ("interface", ">u4"),
        ("hardware", ">u2"),
        ("kind", "u1"),
        ("address_length", "u1"),
        ("address", "V8"),
    ]
)


def cooked(content: bytes, at: I64, head: Array, time_ns: I64, loopback: int) -> Burst:
    """Frames with such headers; what the loopback sends is left out, as it comes in again.

    Args:
        content: a block of the kernel's with at least `HEADER_BYTES` of room before each packet.
        at: where each packet starts, at its IP header.
        head: what the kernel says of each (`capture.packet_ring`).
        time_ns: when each was seen.
        loopback: index of the loopback interface.
    """
    keep = (head["kind"] != socket.PACKET_OUTGOING) | (head["interface"] != loopback)
    if not keep.all():
        at, head, time_ns = at[keep], head[keep], time_ns[keep]
    headers = np.zeros(at.size, _HEADER)
    for name in ("protocol", "interface", "hardware", "kind", "address_length", "address"):
        headers[name] = head[name]
    room = np.frombuffer(bytearray(content), np.uint8)
    start = at - HEADER_BYTES
    room[start[:, None] + np.arange(HEADER_BYTES)] = headers.view(np.uint8).reshape(at.size, HEADER_BYTES)
    return Burst(
        room.tobytes(),
        start,
        head["captured"].astype(np.uint32) + np.uint32(HEADER_BYTES),
        head["wire"].astype(np.uint32) + np.uint32(HEADER_BYTES),
        time_ns,
    )
