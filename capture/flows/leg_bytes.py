"""The usual PEER_* datagrams, read straight off their bytes, all at once.

Nearly all PEER_* datagrams have the one shape that the reference writes: one-byte flags, command and mode, a body of
at most 252 bytes or with a u16 length. This finds the fields of that shape for whole columns, and gives up on anything
else, which then goes through the codec; a test holds both to the same result.

Source: layouts as in `protocol.envelope` and `protocol.peer_values`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, Bools
from capture.flows.wire_columns import (
    HAS_CLOSER,
    HAS_TARGET,
    HAS_VALUE,
    INLINE,
    IPV4_SIZE,
    KEY_SIZE,
    KNOWN_FLAGS,
    after_keys,
    byte_at,
    endpoints_at,
    flags_at,
    sized,
)
from capture.raw import Raw

NOWHERE: Final = -1
"""Instead of a place or an endpoint: there is none."""

_VALUE: Final = np.dtype([("flags", "u1"), ("mode", "u1"), ("hid", "u1")])


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
    flags = flags_at(raw, start)
    usual = (flags & HAS_VALUE != 0) & (flags <= KNOWN_FLAGS)
    at = after_keys(start, flags)
    target_at = np.full(start.size, NOWHERE, np.int64)
    if response:
        usual &= flags & (HAS_CLOSER | HAS_TARGET) == 0
    else:
        usual &= byte_at(raw, at) <= 1
        at += 1
        targeted = flags & HAS_TARGET != 0
        target_at[targeted] = at[targeted]
        at += KEY_SIZE * targeted
    at, size, short = sized(raw, at)
    end = start + length
    usual &= short & (at + size == end)
    value = raw.gather(at, _VALUE)
    parts, mode = value["flags"].astype(np.int64), value["mode"].astype(np.int64)
    hid = np.where(handshake, 0, value["hid"]).astype(np.int64)
    usual &= (parts <= np.where(handshake, 3, 1)) & (mode <= 4) & (hid <= INLINE)
    body_at, size, short = sized(raw, at + np.where(handshake, 2, 3))
    body_end = body_at + size
    peer, at = _endpoints(raw, body_end, parts & 1 != 0)
    relay, at = _endpoints(raw, at, parts & 2 != 0)
    usual &= short & (at == end)
    return LegBytes(usual, mode, hid, target_at, body_at, body_end, peer, relay)


def _endpoints(raw: Raw, at: I64, there: Bools) -> tuple[I64, I64]:
    """The endpoints that are there, `NOWHERE` for others, and where the next field begins."""
    return np.where(there, endpoints_at(raw, at), NOWHERE), at + IPV4_SIZE * there
