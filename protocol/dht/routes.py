"""Peers that are reached through this node: they listen here, or announced themselves here under their key's hash.

Source: npm hyperdht 6.34.0 (lib/router.js).
"""

from __future__ import annotations

from typing import NamedTuple

from protocol.dht.aged_cache import AgedCache
from protocol.dht.local_server import LocalServer
from protocol.messages import Address


class Route(NamedTuple):
    """Where a peer's announcement came from, and its encoded record."""

    relay: Address
    record: bytes


class Routes:
    """Routes by target, bounded in number and age."""

    def __init__(self, max_size: int, max_age: float) -> None:
        self._max_age = max_age
        self._routes: AgedCache[bytes, Route] = AgedCache(max_size, max_age)
        self._hosts: AgedCache[str, bool] = AgedCache(max_size, max_age)
        self.servers: dict[bytes, LocalServer] = {}
        """Servers of our own, by target; they neither age nor give way."""

    def __len__(self) -> int:
        """Routes held."""
        return len(self._routes)

    def get(self, target: bytes, now: float) -> Route | None:
        """The route to the peer with this target."""
        return self._routes.get(target, now)

    def set(self, target: bytes, route: Route, now: float) -> None:
        """Remember a route, in the place of one to the same target."""
        self._routes.set(target, route, now)
        self._hosts.set(route.relay.host, True, now)

    def record(self, target: bytes, now: float) -> bytes | None:
        """The encoded record of the peer with this target: a server of our own, or one that announced here."""
        server = self.servers.get(target)
        if server is not None:
            return server.record
        route = self.get(target, now)
        return None if route is None else route.record

    def remove(self, target: bytes) -> None:
        """Forget a route."""
        self._routes.pop(target)

    def leads_to(self, host: str, now: float) -> bool:
        """Whether a peer on this host lately announced itself here."""
        return self._hosts.get(host, now) is not None
