"""One decoded datagram, as a filter sees it: what intercept has in hand, and what a row of the packet table means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capture.filter.peer_values import mode_of
from capture.flows.once import once
from protocol.constants import Mode, ResponseError
from protocol.decode import decode_datagram
from protocol.messages import (
    Address,
    HolepunchPayload,
    Message,
    NoisePayload,
    Punch,
    Request,
    Response,
    UdxHeader,
    Undecodable,
)

if TYPE_CHECKING:
    from capture.direction import Direction
    from capture.flow import Flow
    from capture.model import Role, TokenState


@dataclass(frozen=True)
class Packet:
    """A datagram, and what is known of it beyond its bytes. What is not known has no value in a comparison."""

    payload: bytes
    src: Address
    dst: Address
    time_ns: int
    """Epoch nanoseconds."""
    began_ns: int
    """The same of the first packet of the capture, or of the session."""
    wire_length: int | None = None
    """Bytes of the payload when it was sent; None when `payload` is all of it."""
    ttl: int | None = None
    frame: int | None = None
    """Its number in its file."""
    file: str | None = None
    copy: bool = False
    """It shows a datagram again that was seen elsewhere."""
    again: bool = False
    """A retransmission."""
    asked: Request | None = None
    """The request that a response answers."""
    said: HolepunchPayload | NoisePayload | None = None
    """What its sealed payload holds, if it is known."""
    tokens: tuple[TokenState, ...] = ()
    """What happens to address tokens with it."""
    roles: tuple[Role, ...] = ()
    """What its sender is, in each of `flows`."""
    flows: tuple[Flow, ...] = field(default=(), repr=False)
    """Attempts that it belongs to."""
    direction: Direction | None = None
    """Which way it passed where it was captured."""

    @once
    def message(self) -> Message:
        """The datagram decoded."""
        return decode_datagram(self.payload, self.wire_length)

    @property
    def kind(self) -> str:
        """The word of the field ``kind``."""
        words: dict[type, str] = {
            Request: "request",
            Response: "response",
            UdxHeader: "udx",
            Punch: "punch",
            Undecodable: "malformed",
        }
        return words.get(type(self.message), "other")

    @property
    def request(self) -> Request | None:
        """The request that it is, or that it answers."""
        message = self.message
        return message if isinstance(message, Request) else self.asked if isinstance(message, Response) else None

    @property
    def mode(self) -> str | None:
        """Which leg of a relayed exchange it is."""
        message, request = self.message, self.request
        if not isinstance(message, Request | Response) or request is None or request.internal or request.command > 1:
            return None
        mode = mode_of(message, self.payload)
        if mode is None:
            return None
        return Mode(mode).name if mode in Mode.__members__.values() else str(mode)

    @property
    def target(self) -> bytes | None:
        """The target that its request names."""
        return None if self.request is None else self.request.target

    @property
    def response_error(self) -> str | None:
        """The error that a response states in its envelope."""
        message = self.message
        if not isinstance(message, Response) or not message.error:
            return None
        known = message.error in ResponseError.__members__.values()
        return ResponseError(message.error).name if known else str(message.error)
