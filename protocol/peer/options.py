"""What a peer, a connection and a server are told when they are made.

Source: npm hyperdht 6.34.0 (index.js, lib/connect.js, lib/server.js) for names and defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from protocol.dht.options import NodeOptions
from protocol.keys import KeyPair
from protocol.messages import Address, NoisePayload
from protocol.noise_handshake import KeyLine
from protocol.peer.steps import Gate, pass_at_once

if TYPE_CHECKING:
    from protocol.constants import Firewall

FirewallPolicy = Callable[[bytes, NoisePayload, Address], bool]
"""Called with a client's public key, what it offers, and its address as its relay sees it; True turns it away without
an answer."""
HolepunchPolicy = Callable[["Firewall", "Firewall", tuple[Address, ...], tuple[Address, ...]], bool]
"""Called with the remote and the local firewall, and the remote and the local addresses; False gives up."""


def admit_all(_key: bytes, _offer: NoisePayload, _client: Address) -> bool:
    """The usual firewall policy: nobody is turned away."""
    return False


def punch_always(
    _remote: Firewall, _local: Firewall, _remotes: tuple[Address, ...], _locals: tuple[Address, ...]
) -> bool:
    """The usual holepunch policy."""
    return True


def forget_key(_: KeyLine) -> None:
    """No key log."""


@dataclass(frozen=True, slots=True)
class PeerLimits:
    """Bounds that the reference lacks. Rates are per second."""

    handshakes: int = 1024
    """Handshakes of one server that are not over; each may hold a socket and a stream."""
    handshake_rate: float = 100.0
    """New handshakes from one client host, as its relay sees it; many peers share one behind a carrier's NAT."""
    handshake_burst: float = 1000.0
    relay_dials: int = 32
    """Connections of one server to blind relays that clients chose, until both sides are there."""
    hosts: int = 8192
    """Client hosts whose budgets are kept."""
    remote_addresses: int = 32
    """Addresses of one list in a payload that are looked at."""
    relay_caches: int = 512
    """Servers whose relays are remembered for the next connect (the reference's number)."""
    early_packets: int = 16
    """Packets kept for a stream that has no path yet."""


@dataclass(frozen=True, slots=True)
class PeerOptions:
    """One peer: its node, its keys, and what holds for all its connections."""

    node: NodeOptions = field(default_factory=NodeOptions)
    key_pair: KeyPair | None = None
    """Used where a connection or server names none; random if None."""
    keepalive: float | None = 5.0
    """Seconds without a message after which a connection sends an empty one; None for never."""
    random_punch_interval: float = 20.0
    """Seconds from the end of one punch through a random NAT to the start of the next."""
    limits: PeerLimits = field(default_factory=PeerLimits)
    gate: Gate = pass_at_once
    """Gets every step before it is sent."""
    on_key: Callable[[KeyLine], None] = forget_key
    """Gets the lines of a key log; what they give away is said in docs/keylog.md."""


@dataclass(frozen=True, slots=True)
class ProxyUse:
    """A proxy, and when it takes over (docs/proxying.md)."""

    public_key: bytes
    """What its server listens on."""
    after_probe: bool = False
    """Probe ourselves, and have it punch; it then goes without a verified address."""


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """One connection of a client."""

    key_pair: KeyPair | None = None
    relay_addresses: tuple[Address, ...] = ()
    """Nodes to try first, as a server's address may name them."""
    fast_open: bool = True
    """Send a first punch along with the first round."""
    local_connection: bool = True
    """Share addresses of local networks, and try those of the server when both seem to be behind one NAT."""
    holepunch: HolepunchPolicy = punch_always
    relay_through: tuple[bytes, ...] = ()
    """Public keys of blind relays, one of which is used while, or instead of, punching."""
    proxy: ProxyUse | None = None
    """Who punches in our place, where punching is needed."""


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """One server."""

    firewall: FirewallPolicy = admit_all
    holepunch: HolepunchPolicy = punch_always
    never_punch: bool = False
    """Offer no punching: only an open port, a local network or a relay can then connect."""
    share_local_address: bool = True
    handshake_clear_wait: float = 10.0
    """Seconds that a finished handshake is kept, to answer repeated messages."""
    relay_through: tuple[bytes, ...] = ()
    proxy: ProxyUse | None = None
    """Who answers the rounds of clients in our place, and punches."""
