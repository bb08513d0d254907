"""What strangers may cost: requests per host, answers to hosts that may be spoofed, sizes of stores.

The reference has no such limits. Anybody can write another's address into a datagram, so a reply that is larger than
its request makes a node a reflector. This node sends such a reply only to a host that has proved that it receives what
is sent to it: by a token that this node issued, or by answering a request of this node (`protocol.dht.proofs`).

Budgets are token buckets: they hold `burst`, and `rate` flows in per second. Many peers can share one address behind
a carrier's NAT, and on loopback a whole network does; the defaults leave them room.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocol.dht.aged_cache import AgedCache


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one node. Rates are per second; sizes of stores are those of the reference unless said otherwise."""

    request_rate: float = 2000.0
    """Requests from one host; not limited by the reference."""
    request_burst: float = 8000.0
    relay_rate: float = 500.0
    """Messages relayed for one host; not limited by the reference."""
    relay_burst: float = 4000.0
    hosts: int = 8192
    """Hosts whose budgets are kept; one that was forgotten begins with a full budget."""
    verified_age: float = 600.0
    """Seconds for which a host stays verified."""
    delayed_pings: int = 1024
    """Delayed pings waiting at once; not limited by the reference."""
    max_ping_delay: float = 10.0
    records: int = 65536
    record_age: float = 20 * 60.0
    records_per_target: int = 1024
    """Peers announced under one target; not limited by the reference."""
    routes: int = 65536
    """Peers that announced themselves and can be reached through this node."""
    values: int = 32768
    """Mutable and, apart from them, immutable values."""
    value_age: float = 48 * 3600.0
    value_size: int = 16 * 1024
    """Bytes of one stored value; not limited by the reference, but by what fits a datagram."""
    value_bytes: int = 64 * 1024 * 1024
    """Bytes of all stored values of one kind; not limited by the reference."""
    forwards: int = 16384
    """Relayed requests whose answer is awaited."""
    forward_age: float = 30.0
    """Seconds until a relayed request is forgotten."""


class Budgets:
    """A token bucket for each host; the least recently seen hosts are forgotten."""

    def __init__(self, rate: float, burst: float, hosts: int) -> None:
        self._rate = rate
        self._burst = burst
        # An untouched bucket is full again after this long, so that forgetting it changes nothing.
        self._buckets: AgedCache[str, tuple[float, float]] = AgedCache(hosts, burst / rate)

    def __len__(self) -> int:
        """Hosts whose budgets are kept."""
        return len(self._buckets)

    def take(self, host: str, amount: float, now: float) -> bool:
        """Take `amount` from a host's budget; False, and nothing taken, where it does not last."""
        left, since = self._buckets.get(host, now) or (self._burst, now)
        left = min(self._burst, left + max(0.0, now - since) * self._rate)
        granted = amount <= left
        self._buckets.set(host, (left - amount if granted else left, now), now)
        return granted


class Guard:
    """Decides who is served: request budgets, and which hosts have proved their address."""

    def __init__(self, limits: Limits) -> None:
        self._requests = Budgets(limits.request_rate, limits.request_burst, limits.hosts)
        self._relayed = Budgets(limits.relay_rate, limits.relay_burst, limits.hosts)
        self._verified: AgedCache[str, bool] = AgedCache(limits.hosts, limits.verified_age)

    def verify(self, host: str, now: float) -> None:
        """The host received what was sent to it."""
        self._verified.set(host, True, now)

    def is_verified(self, host: str, now: float) -> bool:
        """Whether the host has lately proved that its address is its own."""
        return self._verified.get(host, now) is not None

    def admits_request(self, host: str, now: float) -> bool:
        """Whether one more request of this host is served."""
        return self._requests.take(host, 1, now)

    def admits_reply(self, host: str, size: int, request_size: int, now: float) -> bool:
        """Whether a reply of `size` bytes may go to this host, in answer to `request_size` bytes."""
        return size <= request_size or self.is_verified(host, now)

    def admits_relaying(self, host: str, now: float) -> bool:
        """Whether one more message is relayed for this host."""
        return self._relayed.take(host, 1, now)
