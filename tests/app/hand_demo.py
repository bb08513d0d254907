"""A demo by hand: a state of it, and something that plays nothing and shows that state."""

from __future__ import annotations

from dataclasses import dataclass

from app.demo_status import DemoStatus, NatStatus, NetworkStatus, Staged
from app.intercept_status import Interception
from capture.model import VerdictCode
from protocol.messages import Address

NETWORK = NetworkStatus(
    bootstrap=Address("127.1.2.3", 49737),
    nodes=((Address("127.1.2.3", 49737), 1), (Address("127.4.5.6", 49737), 1)),
    nats=(NatStatus("127.9.9.9", "a port for each destination", ("192.168.1.7",), 3, 3, 12),),
    playing=("a random NAT at the server", "home routers, fast open"),
    played=4,
    dropped=(("lost on the way", 1234),),
)
STATUS = DemoStatus(
    NETWORK,
    judged=2,
    agreed=1,
    waiting=1,
    latest=(
        Staged("two random NATs", False, (VerdictCode.BOTH_NATS_RANDOM,), VerdictCode.BOTH_NATS_RANDOM, "ab" * 8),
        Staged("the server is gone", True, (VerdictCode.PUNCHED,), None, ""),
    ),
)


@dataclass
class Posed:
    """Shows one state."""

    shown: DemoStatus | None = STATUS
    interception: Interception | None = None

    def status(self) -> DemoStatus | None:
        return self.shown
