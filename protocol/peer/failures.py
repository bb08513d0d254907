"""How connections end: the reference's error name, and the real cause, which the reference hides.

A client of the reference that fails to punch nearly always reports HOLEPUNCH_ABORTED: giving up the puncher reports
that first, and the error that led to it is dropped. Both are kept here.

Source: npm hyperdht 6.34.0 (lib/errors.js, lib/connect.js), udx-native 1.21.3 (lib/stream.js).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from protocol.stream.events import CloseReason


class ErrorName(StrEnum):
    """The `code` of the error that an application of the reference would see."""

    CANNOT_HOLEPUNCH = "CANNOT_HOLEPUNCH"
    HANDSHAKE_INVALID = "HANDSHAKE_INVALID"
    HOLEPUNCH_ABORTED = "HOLEPUNCH_ABORTED"
    NODE_DESTROYED = "NODE_DESTROYED"
    PEER_CONNECTION_FAILED = "PEER_CONNECTION_FAILED"
    PEER_NOT_FOUND = "PEER_NOT_FOUND"
    RELAY_ABORTED = "RELAY_ABORTED"
    SERVER_ERROR = "SERVER_ERROR"
    SERVER_INCOMPATIBLE = "SERVER_INCOMPATIBLE"
    SUSPENDED = "SUSPENDED"
    ECONNRESET = "ECONNRESET"
    """The peer destroyed the stream."""
    ETIMEDOUT = "ETIMEDOUT"
    """The peer no longer acknowledges."""
    EFORGED = "EFORGED"
    """Bytes that the peer's keys did not seal; the reference has several texts and no code for it."""


class Cause(StrEnum):
    """What really happened."""

    ENDED = "both sides ended"
    DESTROYED = "closed here"
    RESET = "the peer destroyed the stream"
    TIMED_OUT = "the peer no longer acknowledges"
    FORGED = "bytes that the peer's keys did not seal"
    SUSPENDED = "the node was suspended"
    NODE_CLOSED = "the node was closed"

    BAD_KEY = "the key that was given is no public key"
    TOO_FEW_NODES = "too few nodes answered the search"
    NOT_FOUND = "no node holds a record of the peer"
    NO_ANSWER = "no relay brought an answer to the handshake"
    NO_ROUTE = "no relay knows the way to the server any more"
    BAD_ANSWER = "an answer to the handshake was not the server's"
    INCOMPATIBLE = "the server speaks another version"
    SERVER_ERROR = "the server answered with an error"
    NO_STREAM = "the server offered no stream"
    NOT_PUNCHABLE = "the server offers no relays to punch over"
    NO_FIRST_PACKET = "the peer sent nothing to our open port"

    NO_ROUND = "the client shook hands and did not go on"
    ROUND_TIMED_OUT = "a holepunch request was not answered"
    ROUND_BAD_REPLY = "an answer to a holepunch request was malformed"
    ROUND_INVALID = "an answer to a holepunch request was not sealed by the peer"
    REMOTE_ABORTED = "the peer aborted"
    REMOTE_TRY_LATER = "the peer is busy with another random NAT: try later"
    PROBE_TIMED_OUT = "a NAT could not be classified in time"
    DOUBLE_RANDOM = "both NATs give each destination another port"
    POLICY = "our own holepunch policy declined"
    BUDGET = "another punch at a random NAT is, or just was, under way here"
    REMOTE_NOT_PUNCHING = "the peer did not start to punch"
    NO_ADDRESS = "the peer has no address that may be punched"
    PUNCHES_LOST = "no punch arrived"
    NO_SOCKET = "the system gave no socket to punch from"
    RELAY_LOST = "the relayed path failed"
    SKIPPED = "a step was left out by hand"
    NO_PROXY = "the proxy could not be reached, or is none"
    PROXY_REFUSED = "the proxy refused"
    PROXY_FAILED = "the proxy did not get through"


@dataclass(frozen=True, slots=True)
class Closing:
    """Why a connection is over."""

    error: ErrorName | None
    """None for a connection that ended, or was destroyed here."""
    cause: Cause
    detail: str = ""
    """More on the cause, plain text of our own; may be empty."""

    @property
    def text(self) -> str:
        """One line for people."""
        what = f"{self.cause} ({self.detail})" if self.detail else str(self.cause)
        return what if self.error is None else f"{self.error}: {what}"


CLOSINGS = {
    CloseReason.ENDED: Closing(None, Cause.ENDED),
    CloseReason.DESTROYED: Closing(None, Cause.DESTROYED),
    CloseReason.RESET: Closing(ErrorName.ECONNRESET, Cause.RESET),
    CloseReason.TIMED_OUT: Closing(ErrorName.ETIMEDOUT, Cause.TIMED_OUT),
    CloseReason.FORGED: Closing(ErrorName.EFORGED, Cause.FORGED),
}
"""What the end of the stream below means for a connection."""
