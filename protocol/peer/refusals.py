"""Why a server did not answer a client: nothing is dropped without being counted."""

from __future__ import annotations

from enum import StrEnum


class ServerRefusal(StrEnum):
    """One reason for not answering."""

    NOT_SEALED = "handshake that was not sealed for this server"
    FIREWALLED = "turned away by the firewall policy"
    TOO_MANY_FROM_HOST = "too many handshakes from one host"
    TABLE_FULL = "too many handshakes that are not over"
    UNKNOWN_ID = "round of a handshake that is not known, or over"
    NOT_OPENED = "round that the handshake's secret does not open"
    DESTROYED = "round of an attempt that was given up"


class StreamRefusal(StrEnum):
    """Why a packet of a stream was not taken."""

    UNKNOWN_STREAM = "packet for a stream that is not known"
    UNSOUND = "too short for a stream's packet"
