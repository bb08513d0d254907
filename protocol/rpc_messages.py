"""The two messages of dht-rpc. Their encoding is in `protocol.envelope`.

They, their addresses and the values of peers have modules of their own: reading a capture takes no more of what is in
`protocol.messages`, and to make all those classes takes as long as to read some thousand packets.

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol.address import Address
from protocol.constants import Command, InternalCommand


@dataclass(frozen=True, slots=True)
class Request:
    """A dht-rpc request (first byte 0x03)."""

    tid: int
    to: Address
    """Where the sender believes it sends: the receiver's address as the sender sees it."""
    command: int
    internal: bool = False
    id: bytes | None = None
    token: bytes | None = None
    target: bytes | None = None
    value: bytes | None = None
    truncated_at: str | None = None
    value_offset: int = field(default=0, compare=False)
    """Byte offset of the first byte of `value` in the datagram payload it was decoded from. Of a value that was cut the
    part from there on is left; 0 if none is.
    """

    @property
    def command_name(self) -> str:
        """Upstream's name of the command, or ``UNKNOWN(n)``."""
        try:
            return (InternalCommand if self.internal else Command)(self.command).name
        except ValueError:
            return f"UNKNOWN({self.command})"


@dataclass(frozen=True, slots=True)
class Response:
    """A dht-rpc response (first byte 0x13). It does not name its command: match it to its request."""

    tid: int
    to: Address
    """The receiver's address as the sender of the response sees it: one NAT sample."""
    id: bytes | None = None
    token: bytes | None = None
    closer_nodes: tuple[Address, ...] | None = None
    error: int = 0
    value: bytes | None = None
    truncated_at: str | None = None
    value_offset: int = field(default=0, compare=False)
    """Byte offset of the first byte of `value` in the datagram payload it was decoded from. Of a value that was cut the
    part from there on is left; 0 if none is.
    """
