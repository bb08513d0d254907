"""The candidates of an attempt, as tools for ICE list them: each address that a side could try, and what came of it.

A candidate is an address of one side as the *other* side tries it. The reference keeps no such list; it follows from
what relays told, what peers stated, and from which packets went where.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from capture.flow import Sighting
from protocol.address import Address


class Source(StrEnum):
    """How an address came to be known. One address may have several."""

    LAN = "LAN"
    """In the noise payload, and private: only peers behind the same NAT can use it."""
    PUBLIC = "public"
    """In the noise payload, and public: an open side says where it is."""
    RELAY = "relay-told"
    """A relay said that it sees the side there (`peer_address`)."""
    STATED = "peer-stated"
    """The side itself said so in a holepunch payload, from its own NAT samples: ICE would say reflexive."""
    OBSERVED = "observed"
    """Nobody named it; packets came from it or went to it."""


class CandidateState(StrEnum):
    """What came of a candidate."""

    WAITING = "waiting"
    """Known, and nothing was sent to it."""
    OPENED = "opened"
    """Only session openers went there: they open the sender's own NAT and are meant to die on the way."""
    PROBING = "probing"
    """Tried; how the attempt ended is not known."""
    HIT = "hit"
    """Something got through, one way or the other."""
    DEAD = "dead"
    """Tried, and nothing got through."""
    NOMINATED = "nominated"
    """The stream came up on it."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Datagrams of one kind from one side to a candidate, or from it, as far as the capture shows them."""

    low_ttl: int = 0
    normal: int = 0
    pings: int = 0
    """PING requests: how a client tries an address on its own network."""
    arrived: int | None = None
    """Of all these, seen to arrive; for pings, answered. None: this capture does not show what arrives there."""
    ports: int = 0
    """Distinct ports tried, where the candidate is a whole host."""
    sockets: int = 0
    """Distinct local sockets that were used."""
    ttls: tuple[int, ...] = ()
    """Distinct TTLs as captured, lowest first; a hop before the capture takes one off."""
    first: float | None = None
    last: float | None = None
    arrival: float | None = None
    """When the first of them arrived."""

    @property
    def count(self) -> int:
        """All datagrams."""
        return self.low_ttl + self.normal + self.pings


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address of one side, as the other side tries it."""

    of_server: bool
    """It is the server's, so the client tries it; else the other way round."""
    address: Address
    """Port 0: any port of the host, as a side with a random NAT states it."""
    sources: tuple[Source, ...]
    known: float | None
    """When it was first named, or seen."""
    verified: float | None
    """When an echoed token proved its host to the side that tries; None if that was never seen."""
    sent: Tried
    """What went to it."""
    received: Tried
    """What came from it: punches of the side whose address it is."""
    state: CandidateState
    unproven: int
    """Punches meant to arrive that went there before its host was verified, and that the reference's rules do not
    explain by a fast open or as the answer to a punch."""
    named: Sighting | None
    """The packet that first named it."""
    tried: Sighting | None
    """The first packet that went to it."""
    hit: Sighting | None
    """The first packet between them that got through; of the nominated one, the first of the stream."""

    @property
    def link(self) -> Sighting | None:
        """The packet that says most about it."""
        return self.hit or self.tried or self.named
