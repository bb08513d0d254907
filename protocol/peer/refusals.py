"""Why servers, streams, punchers and blind relays did not do what a datagram asked for: all of it is counted."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protocol.peer.peer import Peer


class ServerRefusal(StrEnum):
    """One reason for not answering."""

    NOT_SEALED = "handshake that was not sealed for this server"
    FIREWALLED = "turned away by the firewall policy"
    TOO_MANY_FROM_HOST = "too many handshakes from one host"
    TABLE_FULL = "too many handshakes that are not over"
    NO_SOCKETS = "handshake while too many sockets are open"
    TOO_MANY_RELAYS = "blind relay of a client's choice while too many of these are being connected to"
    UNKNOWN_ID = "round of a handshake that is not known, or over"
    NOT_OPENED = "round that the handshake's secret does not open"
    DESTROYED = "round of an attempt that was given up"


class StreamRefusal(StrEnum):
    """Why a packet of a stream was not taken."""

    UNKNOWN_STREAM = "packet for a stream that is not known"
    UNSOUND = "too short for a stream's packet"
    TOO_EARLY = "packet of a stream that has no path yet, one too many to keep"
    WITHHELD = "last packet of a stream to an address that has not shown that it listens: not sent"


class PunchRefusal(StrEnum):
    """Why a punch was not sent or had no effect."""

    ECHOES = "punch that was not answered: one attempt had too many"
    STRANGERS = "punch that was not sent: too many went to addresses that a peer named without proof"
    UNCLAIMED = "punch that nobody waited for"
    TRY_LATER = "punch at a random NAT that was put off: another one was under way"


class RelayRefusal(StrEnum):
    """Why a blind relay did not do what its clients wanted."""

    SESSIONS = "client of the blind relay that was turned away: too many"
    PAIRINGS = "pair that the blind relay did not take: its token is taken, or there are too many"
    EXPIRED = "pair of the blind relay whose other half did not come in time"
    PACKETS = "packet that the blind relay did not pass on: from elsewhere, too early, or too many"


def all_refusals(peer: Peer) -> Counter[str]:
    """How often each reason applied in all that a peer does, by its text."""
    total: Counter[str] = Counter()
    total.update({str(reason): count for reason, count in peer.node.refused.items()})
    total.update({str(reason): count for reason, count in peer.connections.refused.items()})
    for server in peer.servers:
        total.update({str(reason): count for reason, count in server.refused.items()})
    punches = {
        PunchRefusal.ECHOES: peer.punches.echoes_refused,
        PunchRefusal.STRANGERS: peer.punches.strangers_refused,
        PunchRefusal.UNCLAIMED: peer.pool.unclaimed,
        PunchRefusal.TRY_LATER: peer.punches.try_later,
    }
    total.update({str(reason): count for reason, count in punches.items()})
    for host in peer.hosts:
        total.update(host.refusals)
    return +total
