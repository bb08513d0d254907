"""The two messages of the blind-relay protocol; their type is their place in the list.

| type | message | fields |
|---|---|---|
| 0 | pair | flags (1: is_initiator), fixed32 token, uint id, uint seq |
| 1 | unpair | flags (none), fixed32 token |

A peer's `pair` says which stream of its own is to be relayed; the relay's says, with the same token and flag, which
stream of the relay stands for the partner. `seq` is where that stream's numbers begin; always 0, and not looked at.

Source: npm blind-relay 1.6.1 (index.js), compact-encoding-bitfield 1.1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from protocol.wire import Reader, Writer

PROTOCOL: Final = "blind-relay"
"""The channel's name; its key is the public key of the relay's client."""
TOKEN_SIZE: Final = 32
MAX_STREAM_ID: Final = 0xFFFFFFFF
PAIR: Final = 0
UNPAIR: Final = 1
_INITIATOR: Final = 1


@dataclass(frozen=True, slots=True)
class Pair:
    """Asks for a partner, or tells that there is one."""

    is_initiator: bool
    """Of the peer, not of the relay; the two halves of a token differ in it."""
    token: bytes
    """32 bytes that only the two peers know."""
    id: int
    """UDX stream id of the sender."""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Unpair:
    """No partner is wanted any more, or the one that was found is not."""

    token: bytes


def encode_pair(pair: Pair) -> bytes:
    """Encode.

    Raises:
        ValueError: a field can't hold its value.
    """
    if not 0 <= pair.id <= MAX_STREAM_ID:
        raise ValueError(f"stream id {pair.id} does not fit 4 bytes")
    w = Writer()
    w.uint(_INITIATOR if pair.is_initiator else 0)
    w.fixed(pair.token, TOKEN_SIZE)
    w.uint(pair.id)
    w.uint(pair.seq)
    return w.finish()


def encode_unpair(unpair: Unpair) -> bytes:
    """Encode.

    Raises:
        ValueError: the token has another size.
    """
    w = Writer()
    w.uint(0)
    w.fixed(unpair.token, TOKEN_SIZE)
    return w.finish()


def decode_pair(content: bytes) -> Pair:
    """Decode; unknown flags and bytes that follow are ignored, as by the reference.

    Raises:
        DecodeError: cut, or an id that no UDX packet can carry.
    """
    r = Reader(content, "pair")
    flags = r.flags("flags", ("is_initiator",))
    token = r.fixed("token", TOKEN_SIZE)
    at = r.pos
    number = r.uint("id")
    if number > MAX_STREAM_ID:
        r.pos = at
        raise r.malformed("id", f"{number} does not fit 4 bytes")
    return Pair(bool(flags & _INITIATOR), token, number, r.uint("seq"))


def decode_unpair(content: bytes) -> Unpair:
    """Decode; flags and bytes that follow are ignored, as by the reference.

    Raises:
        DecodeError: cut.
    """
    r = Reader(content, "unpair")
    r.flags("flags", ())
    return Unpair(r.fixed("token", TOKEN_SIZE))
