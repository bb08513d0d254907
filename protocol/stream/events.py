"""What a stream tells its owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from protocol.messages import Address


class CloseReason(Enum):
    """Why a stream is over."""

    ENDED = "both sides ended, all data was acknowledged"
    DESTROYED = "destroyed here"
    RESET = "destroyed by the peer"
    TIMED_OUT = "the peer no longer acknowledges"
    FORGED = "bytes that the peer's keys did not seal"


@dataclass(frozen=True, slots=True)
class DataReceived:
    """The next bytes in order, never empty; of a secret stream, one message as the peer wrote it."""

    data: bytes


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A datagram outside the order of the stream; such messages may be lost, doubled or overtaken."""

    data: bytes


@dataclass(frozen=True, slots=True)
class RemoteEnded:
    """The peer ended its direction and all of it was delivered."""


@dataclass(frozen=True, slots=True)
class SendBufferDrained:
    """`send` had said that the buffer is full; there is room again."""


@dataclass(frozen=True, slots=True)
class RemoteChanged:
    """Everything sent to the remote before is acknowledged; only `addr` matters from now on."""

    addr: Address


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The last event of every stream, once."""

    reason: CloseReason


@dataclass(frozen=True, slots=True)
class SecretOpened:
    """The peer's header is right: it has the keys of the handshake. Of a secret stream, before all data."""


StreamEvent = DataReceived | MessageReceived | RemoteEnded | SendBufferDrained | RemoteChanged | StreamClosed
"""Everything that a UDX stream tells."""
SecretEvent = StreamEvent | SecretOpened
"""Everything that a secret stream tells."""
