"""What can happen between two peers: the scenes of the demo, each with the verdict that its packets should get.

A scene says where client and server are, what goes wrong, and what should come of it; one that fails may be mended, and
then the same two peers meet again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from app.demo.places import CONSISTENT, RANDOM, REMAPPING, SEQUENTIAL
from capture.model import VerdictCode
from protocol.nat_box import NatKind


class Trouble(Enum):
    """What goes wrong."""

    NONE = auto()
    SERVER_REJECTS = auto()
    """Its firewall function turns the client away."""
    SERVER_DECLINES = auto()
    """Its holepunch function says no."""
    CLIENT_DECLINES = auto()
    RELAY_DIES_BEFORE_PROBE = auto()
    RELAY_DIES_BEFORE_PUNCH = auto()
    PATH_BLOCKED = auto()
    """Nothing gets from peer to peer."""
    SERVER_GONE = auto()
    """A power cut after it announced itself."""
    SERVER_LEFT = auto()
    """It took its announcements back."""
    SERVER_BUSY = auto()
    """Another client makes it punch with a random NAT."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One meeting of two peers."""

    title: str
    client: NatKind | None
    """The NAT of the client; None without one."""
    server: NatKind | None
    wanted: VerdictCode
    also: frozenset[VerdictCode] = frozenset()
    """Verdicts that are right too: what is on the wire depends on who comes first."""
    then: VerdictCode | None = None
    """The verdict on the second meeting, after the trouble is over; None without one."""
    trouble: Trouble = Trouble.NONE
    fast_open: bool = True
    same_nat: bool = False
    """The client is behind the server's NAT."""
    relayed: bool = False
    """A blind relay may carry the stream."""
    slow: bool = False
    """Takes more than a few seconds, as punching through random NATs does."""

    @property
    def fits(self) -> frozenset[VerdictCode]:
        """Every verdict that is right."""
        return self.also | {self.wanted}


V: Final = VerdictCode

SCENES: Final = (
    Scene("the server's port is open", CONSISTENT, None, V.OPEN_SERVER),
    Scene("the client's port is open", None, SEQUENTIAL, V.OPEN_CLIENT),
    Scene("two home routers, with fast open", CONSISTENT, CONSISTENT, V.PUNCHED),
    Scene("two home routers, without fast open", SEQUENTIAL, CONSISTENT, V.PUNCHED, fast_open=False),
    Scene("a random NAT at the server", CONSISTENT, RANDOM, V.PUNCHED, slow=True),
    Scene("a random NAT at the client", RANDOM, CONSISTENT, V.PUNCHED, slow=True),
    # Peers that meet inside before their first round was answered leave less outside than it takes to tell.
    Scene(
        "both behind one NAT",
        CONSISTENT,
        CONSISTENT,
        V.LAN,
        also=frozenset({V.ABORTED_BY_SERVER, V.INCOMPLETE}),
        same_nat=True,
    ),
    Scene("two random NATs", RANDOM, RANDOM, V.BOTH_NATS_RANDOM),
    Scene(
        "the server turns the client away, then lets it in",
        CONSISTENT,
        CONSISTENT,
        V.HANDSHAKE_UNANSWERED,
        then=V.PUNCHED,
        trouble=Trouble.SERVER_REJECTS,
    ),
    Scene(
        "the server declines to punch, then agrees",
        CONSISTENT,
        CONSISTENT,
        V.ABORTED_BY_SERVER,
        then=V.PUNCHED,
        trouble=Trouble.SERVER_DECLINES,
        fast_open=False,
    ),
    Scene(
        "the client declines to punch",
        CONSISTENT,
        CONSISTENT,
        V.ABORTED_BY_CLIENT,
        trouble=Trouble.CLIENT_DECLINES,
        fast_open=False,
    ),
    Scene(
        "the relay dies before the first round, and comes back",
        CONSISTENT,
        CONSISTENT,
        V.PROBE_UNANSWERED,
        then=V.PUNCHED,
        trouble=Trouble.RELAY_DIES_BEFORE_PROBE,
        fast_open=False,
    ),
    Scene(
        "the relay dies before the last round",
        CONSISTENT,
        CONSISTENT,
        V.PUNCH_UNANSWERED,
        trouble=Trouble.RELAY_DIES_BEFORE_PUNCH,
        fast_open=False,
    ),
    Scene(
        "nothing gets from peer to peer, then everything",
        CONSISTENT,
        CONSISTENT,
        V.PROBES_LOST,
        then=V.PUNCHED,
        trouble=Trouble.PATH_BLOCKED,
        fast_open=False,
        slow=True,
    ),
    Scene(
        "a stray datagram takes the announced port",
        REMAPPING,
        REMAPPING,
        V.NAT_REMAPPED,
        also=frozenset({V.PROBES_LOST, V.PUNCHED}),
        fast_open=False,
        slow=True,
    ),
    Scene(
        "a power cut at the server, and its return",
        CONSISTENT,
        CONSISTENT,
        V.HANDSHAKE_UNANSWERED,
        then=V.PUNCHED,
        trouble=Trouble.SERVER_GONE,
    ),
    Scene("the server has left", CONSISTENT, CONSISTENT, V.PEER_NOT_FOUND, trouble=Trouble.SERVER_LEFT),
    Scene(
        "the server is busy with another random punch",
        CONSISTENT,
        RANDOM,
        V.TRY_LATER,
        also=frozenset({V.PUNCHED}),
        trouble=Trouble.SERVER_BUSY,
        slow=True,
    ),
    Scene("two random NATs and a blind relay", RANDOM, RANDOM, V.RELAYED, relayed=True),
    Scene(
        "a blind relay first, then the direct path", CONSISTENT, CONSISTENT, V.UPGRADED, relayed=True, fast_open=False
    ),
)
