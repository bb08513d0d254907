"""Where things are in the embedded network: makes of NAT, public addresses, and inside addresses, from one seed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Final

from app.demo.loopback_network import Loopback, PublicHost
from app.demo.nat_host import NatHost, NattedLan
from app.demo.own_addresses import OwnAddresses
from protocol.nat_box import Behaviour, NatKind, PortOrder

CONSISTENT: Final = NatKind(port_preservation=True)
"""As home routers do: one port for all destinations, and only whom was sent to may answer."""
SEQUENTIAL: Final = NatKind(port_order=PortOrder.SEQUENTIAL, inbound_refresh=True)
"""One port for all destinations too, handed out in order."""
RANDOM: Final = NatKind(Behaviour.ADDRESS_AND_PORT_DEPENDENT)
"""Another port for each destination."""
REMAPPING: Final = NatKind(
    Behaviour.ADDRESS_AND_PORT_DEPENDENT, port_preservation=True, overloading=True, keeps_strays=True
)
"""Linux without a rule that drops strays: looks consistent, until a stray datagram takes the announced port."""

RESTING: Final = 32
"""Addresses that rest after use."""
_INSIDE: Final = ("192.168.1", "192.168.178", "10.0.0", "172.16.4")


@dataclass
class Places:
    """Hands out hosts, each with an address of its own."""

    loopback: Loopback
    random: Random
    lans: list[NattedLan] = field(default_factory=list)
    _free: deque[str] = field(default_factory=deque)
    _networks: int = 0

    def __post_init__(self) -> None:
        self._own = OwnAddresses(self.random)

    def public_host(self) -> PublicHost:
        """A host on the public network.

        Raises:
            NoLoopbackError: no address is free.
        """
        return PublicHost(self.loopback, self._address())

    def lan(self, kind: NatKind) -> NattedLan:
        """A local network behind a NAT.

        Raises:
            NoLoopbackError: no address is free.
        """
        lan = NattedLan(self.loopback, self._address(), kind, self.random, _INSIDE[self._networks % len(_INSIDE)])
        self._networks += 1
        self.lans.append(lan)
        return lan

    def host(self, lan: NattedLan) -> NatHost:
        """One more host of a local network."""
        while (inside := f"{lan.network}.{self.random.randrange(2, 250)}") in lan.hosts:
            pass
        return lan.host(inside)

    def give_up(self, place: NattedLan | PublicHost) -> None:
        """Close a local network, or leave a public host; its address is handed out again, later."""
        if isinstance(place, NattedLan):
            place.close()
            self.lans.remove(place)
            self._free.append(place.public_host)
        else:
            self._free.append(place.host)

    def close(self) -> None:
        """Close every local network, and give all addresses back."""
        for lan in self.lans:
            lan.close()
        self.lans.clear()
        self._own.close()

    def _address(self) -> str:
        # Addresses that were used rest for a while: nodes still send to whom they knew there.
        if len(self._free) > RESTING:
            return self._free.popleft()
        return self._own.take()
