"""A node by hand: a state of it, and something that runs nothing and shows that state."""

from __future__ import annotations

from dataclasses import dataclass

from app.hand.desk import DeskControl
from app.intercept_status import Interception
from app.node_status import Announcement, ConnectionStatus, NodeStatus, Relay, TableRow
from capture.losses import NOTHING_LOST, Losses
from protocol.constants import Firewall
from protocol.dht.health import Health
from protocol.dht.refusals import Refusal
from protocol.keys import key_pair
from protocol.messages import Address

PAIR = key_pair(bytes(range(32)))
RELAYS = (Relay(Address("198.51.100.1", 1), Address("203.0.113.7", 49737)),)
STATUS = NodeStatus(
    server=Address("10.0.0.5", 49737),
    client=Address("10.0.0.5", 50001),
    id=None,
    seen_at=("203.0.113.7", 0),
    samples=6,
    firewall=Firewall.RANDOM,
    firewall_rule="6 nodes saw 6 different addresses: RANDOM",
    firewalled=True,
    ephemeral=True,
    bootstrapped=True,
    health=Health.DEGRADED,
    age=75.0,
    bootstrap=("boot.example:49737",),
    rows=(TableRow(bytes(32), Address("198.51.100.1", 1), Address("203.0.113.7", 7), 3, 60.0, 5.0, 1),),
    timers=(),
    next_timeout=0.25,
    announcements=(Announcement(PAIR.public_key, "announced", RELAYS, 2.5, 1),),
    connections=(
        ConnectionStatus(bytes(8), True, bytes(32), None, "first round: telling each other about NATs", 1.0, False),
        ConnectionStatus(
            bytes(8), False, bytes(32), Address("198.51.100.9", 9), "over", 61.0, True, "both sides ended", said="hi"
        ),
        ConnectionStatus(
            b"", True, bytes(32), None, "over", 3.0, False, "HOLEPUNCH_ABORTED: no punch arrived", failed=True
        ),
    ),
    refused=((str(Refusal.MALFORMED), 12), (str(Refusal.NO_ROUTE), 1)),
    counts=(("requests sent", 1234),),
)


@dataclass
class SilentFeed:
    """A live source that brings nothing."""

    name: str = "node"
    dropped: int = 0
    losses: Losses = NOTHING_LOST
    troubles: tuple[str, ...] = ()

    def poll(self) -> None:
        """Nothing has arrived."""


@dataclass
class Still:
    """Runs nothing; its state is what a test says."""

    state: NodeStatus | None = STATUS
    name: str = "node"
    farewell: str = ""
    interception: Interception | None = None
    desk: DeskControl | None = None

    async def start(self) -> None:
        """Nothing to start."""

    def status(self) -> NodeStatus | None:
        return self.state

    async def stop(self) -> None:
        """Nothing to stop."""

    async def close_now(self) -> None:
        """Nothing to close."""
