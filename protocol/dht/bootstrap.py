"""Where a node finds its first contacts.

A bootstrap node is ``host:port``, or ``ip@host:port``: then the address `ip` is pinged, and the name looked up only if
it does not answer. Looking up is left to the owner of the node.

Source: npm dht-rpc 6.27.0 (index.js), hyperdht 6.34.0 (lib/constants.js).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address
from typing import Final

from protocol.dht.contact import Contact
from protocol.hashes import node_id
from protocol.messages import Address


@dataclass(frozen=True, slots=True)
class BootstrapNode:
    """A name or an IPv4 address, and the address that it last had."""

    host: str
    port: int
    suggested: str | None = None


PUBLIC_BOOTSTRAP: Final = tuple(
    BootstrapNode(f"node{number}.hyperdht.org", 49737, suggested)
    for number, suggested in ((1, "88.99.3.86"), (2, "142.93.90.113"), (3, "138.68.147.8"))
)
"""The public network. Nothing uses it unless it is asked to."""


def parse_bootstrap(text: str) -> BootstrapNode:
    """Read ``host:port`` or ``ip@host:port``.

    Raises:
        ValueError: it is neither; the message says why.
    """
    place, colon, port = text.rpartition(":")
    suggested, at, host = place.rpartition("@")
    if not colon or not host:
        raise ValueError(f"{text!r} is not host:port or ip@host:port")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{port!r} is not a port from 1 to 65535")
    if at and not is_ipv4(suggested):
        raise ValueError(f"{suggested!r} is not an IPv4 address")
    return BootstrapNode(host, int(port), suggested if at else None)


def is_ipv4(host: str) -> bool:
    """Whether `host` is a dotted IPv4 address rather than a name."""
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True


@dataclass(slots=True)
class _Finding:
    """One search for the addresses of all bootstrap nodes."""

    on_found: Callable[[list[Contact], float], None]
    missing: int
    found: dict[int, Contact] = field(default_factory=dict)


class BootstrapFinder:
    """Turns bootstrap nodes into contacts, as often as it is asked.

    Args:
        nodes: the bootstrap nodes.
        ping: pings an address and tells whether it answered.
        want_name: asks for the address of a name; the answer comes to `resolved`.
    """

    def __init__(
        self,
        nodes: Iterable[BootstrapNode],
        ping: Callable[[Address, float, Callable[[bool, float], None]], None],
        want_name: Callable[[str], None],
    ) -> None:
        self.nodes = tuple(nodes)
        self._ping = ping
        self._want_name = want_name
        self._waiting: dict[str, list[Callable[[str | None, float], None]]] = {}

    def find(self, now: float, on_found: Callable[[list[Contact], float], None]) -> None:
        """Call `on_found` with the contacts, perhaps at once; a node without an address is left out."""
        if not self.nodes:
            on_found([], now)
            return
        finding = _Finding(on_found, len(self.nodes))
        for index, node in enumerate(self.nodes):
            self._find_one(finding, index, node, now)

    def resolved(self, host: str, address: str | None, now: float) -> None:
        """Take in the IPv4 address of a name, None where it has none."""
        for waiting in self._waiting.pop(host, ()):
            waiting(address, now)

    def _find_one(self, finding: _Finding, index: int, node: BootstrapNode, now: float) -> None:
        def found(address: str | None, now: float) -> None:
            if address is not None:
                place = Address(address, node.port)
                finding.found[index] = Contact(place, node_id(place))
            finding.missing -= 1
            if not finding.missing:
                finding.on_found([finding.found[at] for at in sorted(finding.found)], now)

        def pinged(answered: bool, now: float) -> None:
            if answered:
                found(node.suggested, now)
            else:
                self._look_up(node.host, now, found)

        if node.suggested is not None:
            self._ping(Address(node.suggested, node.port), now, pinged)
        else:
            self._look_up(node.host, now, found)

    def _look_up(self, host: str, now: float, found: Callable[[str | None, float], None]) -> None:
        if is_ipv4(host):
            found(host, now)
            return
        waiting = self._waiting.setdefault(host, [])
        waiting.append(found)
        if len(waiting) == 1:
            self._want_name(host)
