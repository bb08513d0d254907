"""The usual PEER_* datagrams, read straight off their bytes, all at once.

Nearly all PEER_* datagrams have the one shape that the reference writes: one-byte flags, command and mode, a body of
at most 252 bytes or with a u16 length. This finds the fields of that shape for whole columns, and gives up on anything
else, which then goes through the codec; a test holds both to the same result.

Every place follows from the length before it, and a datagram is usual only if the last one is its very end. So nothing
is believed that was read past the end of a datagram.

Source: layouts as in `protocol.envelope` and `protocol.peer_values`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, Bools
from capture.raw import Raw

NOWHERE: Final = -1
"""Instead of a place or an endpoint: there is none."""

_TO_END: Final = 10
"""Bytes of an envelope up to and with `to`."""
_KEY_SIZE: Final = 32
_FLAGS: Final = 31
"""Bits of the envelope's flags that mean something."""
_HAS_ID, _HAS_TOKEN, _HAS_CLOSER, _HAS_TARGET, _HAS_VALUE = 1, 2, 4, 8, 16
_INLINE: Final = 0xFC
"""Largest varint of one byte."""
_U16_FORM: Final = 0xFD

_BYTE: Final = np.dtype("u1")
_VARINT: Final = np.dtype([("first", "u1"), ("next", "<u2")])
_VALUE: Final = np.dtype([("flags", "u1"), ("mode", "u1"), ("hid", "u1")])
_IPV4: Final = np.dtype([("host", ">u4"), ("port", "<u2")])


class LegBytes(NamedTuple):
    """One entry per datagram; meaningless where it is not usual."""

    usual: Bools
    mode: I64
    hid: I64
    """Holepunch id; 0 in handshakes."""
    target_at: I64
    """Where the target begins; `NOWHERE` without one."""
    body_at: I64
    """Where noise message or sealed payload begins."""
    body_end: I64
    peer: I64
    """An endpoint, or `NOWHERE`."""
    relay: I64

    def pick(self, some: Bools) -> LegBytes:
        """Some of these."""
        return LegBytes._make(column[some] for column in self)


def read_legs(raw: Raw, start: I64, length: I64, handshake: Bools, *, response: bool) -> LegBytes:
    """Find the fields of PEER_HANDSHAKE and PEER_HOLEPUNCH datagrams.

    Args:
        raw: the bytes they are in.
        start: of each payload.
        length: of each payload, all of it captured.
        handshake: which are PEER_HANDSHAKE; the others are PEER_HOLEPUNCH.
        response: responses, else requests.
    """
    flags = raw.gather(start + 1, _BYTE).astype(np.int64)
    usual = (flags & _HAS_VALUE != 0) & (flags <= _FLAGS)
    at = start + _TO_END + _KEY_SIZE * ((flags & _HAS_ID != 0).astype(np.int64) + (flags & _HAS_TOKEN != 0))
    target_at = np.full(start.size, NOWHERE, np.int64)
    if response:
        usual &= flags & (_HAS_CLOSER | _HAS_TARGET) == 0
    else:
        usual &= raw.gather(at, _BYTE) <= 1
        at += 1
        targeted = flags & _HAS_TARGET != 0
        target_at[targeted] = at[targeted]
        at += _KEY_SIZE * targeted
    at, size, short = _sized(raw, at)
    end = start + length
    usual &= short & (at + size == end)
    value = raw.gather(at, _VALUE)
    parts, mode = value["flags"].astype(np.int64), value["mode"].astype(np.int64)
    hid = np.where(handshake, 0, value["hid"]).astype(np.int64)
    usual &= (parts <= np.where(handshake, 3, 1)) & (mode <= 4) & (hid <= _INLINE)
    body_at, size, short = _sized(raw, at + np.where(handshake, 2, 3))
    body_end = body_at + size
    peer, at = _endpoints(raw, body_end, parts & 1 != 0)
    relay, at = _endpoints(raw, at, parts & 2 != 0)
    usual &= short & (at == end)
    return LegBytes(usual, mode, hid, target_at, body_at, body_end, peer, relay)


def _sized(raw: Raw, at: I64) -> tuple[I64, I64, Bools]:
    """Where the bytes behind each length begin, how many they are, and which lengths have no rare form."""
    prefix = raw.gather(at, _VARINT)
    wide = prefix["first"] == _U16_FORM
    size = np.where(wide, prefix["next"], prefix["first"]).astype(np.int64)
    return at + 1 + 2 * wide, size, prefix["first"] <= _U16_FORM


def _endpoints(raw: Raw, at: I64, there: Bools) -> tuple[I64, I64]:
    """The endpoints that are there, `NOWHERE` for others, and where the next field begins."""
    found = raw.gather(at, _IPV4)
    endpoint = found["host"].astype(np.int64) << 16 | found["port"]
    return np.where(there, endpoint, NOWHERE), at + _IPV4.itemsize * there
