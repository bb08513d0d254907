"""The start of a PEER_* value, where the capture cut the packet inside it: decoded as far as it goes."""

from __future__ import annotations

from typing import NamedTuple

from protocol.address import Address
from protocol.constants import Command
from protocol.errors import DecodeError
from protocol.wire import Reader


class CutValue(NamedTuple):
    """The start of a handshake or holepunch value."""

    mode: int
    hid: int
    body: bytes
    size: int | None
    """Bytes the body had; None where even its length was cut off."""
    peer: Address | None
    relay: Address | None


def read_cut_value(kept: bytes, command: int, offset: int) -> CutValue:
    """Decode a PEER_* value as far as it goes.

    Args:
        kept: the start of the value.
        command: `Command.PEER_HANDSHAKE` or `Command.PEER_HOLEPUNCH`.
        offset: byte offset of the value in its datagram, for errors.

    Raises:
        DecodeError: not even the mode is left, or what is left is malformed.
    """
    r = Reader(kept, "value", offset)
    flags = r.uint("flags")
    value = CutValue(r.uint("mode"), 0, b"", None, None, None)
    try:
        if command == Command.PEER_HOLEPUNCH:
            value = value._replace(hid=r.uint("id"))
        size = r.uint("size")
        value = value._replace(body=kept[r.pos : r.pos + size], size=size)
        r.fixed("body", size)
        if flags & 1:
            value = value._replace(peer=r.ipv4("peer_address"))
        if flags & 2 and command == Command.PEER_HANDSHAKE:
            value = value._replace(relay=r.ipv4("relay_address"))
    except DecodeError as error:
        if not error.truncated:
            raise
    return value
