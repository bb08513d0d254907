"""The usual PEER_* datagram, read straight off its bytes.

Nearly all PEER_* datagrams have the one shape that the reference writes: one-byte flags, command and mode, a body of
at most 252 bytes or with a u16 length. This reads that shape at a third of the codec's cost and gives up on anything
else, which then goes through the codec; a test holds both to the same result.

Source: layouts as in `protocol.envelope` and `protocol.peer_values`.
"""

from __future__ import annotations

from typing import NamedTuple


class LegBytes(NamedTuple):
    """Fields of a PEER_* datagram; endpoints as integers."""

    tid: int
    to: int
    target: bytes | None
    mode: int
    body: bytes
    peer: int | None
    relay: int | None
    hid: int


def read_leg(data: bytes, *, handshake: bool, response: bool) -> LegBytes | None:
    """Fields of a PEER_HANDSHAKE or PEER_HOLEPUNCH datagram, or None where it has not the usual shape.

    Args:
        data: the whole payload.
        handshake: PEER_HANDSHAKE, else PEER_HOLEPUNCH.
        response: a response, else a request.
    """
    try:
        flags = data[1]
        if flags > 31 or not flags & 16:
            return None
        at = 10 + (flags & 1) * 32 + (flags >> 1 & 1) * 32
        target = None
        if response:
            if flags & 12:
                return None
        else:
            if data[at] > 1:
                return None
            at += 1
            if flags & 8:
                target = data[at : at + 32]
                at += 32
        size = data[at]
        at += 1
        if size == 0xFD:
            size = data[at] | data[at + 1] << 8
            at += 2
        elif size > 0xFD:
            return None
        if at + size != len(data):
            return None
        value_flags, mode, hid = data[at], data[at + 1], 0
        at += 2
        if value_flags > 3 or mode > 4:
            return None
        if not handshake:
            hid = data[at]
            at += 1
            if hid > 0xFC:
                return None
        size = data[at]
        at += 1
        if size == 0xFD:
            size = data[at] | data[at + 1] << 8
            at += 2
        elif size > 0xFD:
            return None
        body = data[at : at + size]
        at += size
        peer = relay = None
        if value_flags & 1:
            peer = endpoint_at(data, at)
            at += 6
        if value_flags & 2:
            if not handshake:
                return None
            relay = endpoint_at(data, at)
            at += 6
        if at != len(data):
            return None
    except IndexError:
        return None
    return LegBytes(data[2] | data[3] << 8, endpoint_at(data, 4), target, mode, body, peer, relay, hid)


def endpoint_at(data: bytes, at: int) -> int:
    """The ipv4 at an offset as an endpoint: host big-endian, port little-endian.

    Raises:
        IndexError: it ends before 6 bytes.
    """
    return (
        data[at] << 40 | data[at + 1] << 32 | data[at + 2] << 24 | data[at + 3] << 16 | data[at + 5] << 8 | data[at + 4]
    )
