"""The endpoints of one machine, by the numbers that it knows them by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from protocol.messages import Address
from protocol.udp_sockets import Endpoint, Network

LOOPBACK: Final = "127.0.0.1"
RELEASED_KEPT: Final = 4096
"""Numbers that are remembered as released, the latest."""


class Endpoints:
    """Binds, finds and closes; a number that was released is never bound again.

    Args:
        network: where endpoints come from.
        host: local IPv4 address of all.
        receive: called with a number, what that endpoint received, its source, and its TTL if that is known.
    """

    def __init__(self, network: Network, host: str, receive: Callable[[int, bytes, Address, int | None], None]) -> None:
        self._network = network
        self._host = host
        self._receive = receive
        self._open: dict[int, Endpoint] = {}
        self._released: dict[int, None] = {}

    def __len__(self) -> int:
        """Endpoints that are open."""
        return len(self._open)

    def __contains__(self, number: int) -> bool:
        """Whether it is open."""
        return number in self._open

    def get(self, number: int) -> Endpoint | None:
        """The endpoint with this number, if it is open."""
        return self._open.get(number)

    def address(self, number: int) -> Address:
        """The local address of one.

        Raises:
            KeyError: it is not open.
        """
        return self._open[number].address

    def local_addresses(self, number: int) -> tuple[Address, ...]:
        """Where others in networks of this host reach one; on loopback if it is bound to that, or there is no other."""
        host, port = self.address(number)
        hosts = self._network.local_hosts() if host != LOOPBACK else ()
        return tuple(Address(each, port) for each in hosts or (LOOPBACK,))

    def bind(self, number: int, ports: Iterable[int]) -> Endpoint:
        """Bind one to the first port that is free.

        Raises:
            OSError: none is; the error is that of the last.
        """
        *first, last = ports

        def receive(data: bytes, source: Address, ttl: int | None) -> None:
            self._receive(number, data, source, ttl)

        for port in first:
            try:
                endpoint = self._network.bind(self._host, port, receive)
            except OSError:
                continue
            break
        else:
            endpoint = self._network.bind(self._host, last, receive)
        self._open[number] = endpoint
        return endpoint

    def was_released(self, number: int) -> bool:
        """Whether whatever is still sent from it comes too late."""
        return number in self._released

    def release(self, number: int) -> None:
        """Close one for good."""
        endpoint = self._open.pop(number, None)
        if endpoint is not None:
            endpoint.close()
        self._released[number] = None
        if len(self._released) > RELEASED_KEPT:
            del self._released[next(iter(self._released))]

    def close(self) -> None:
        """Close all, for now."""
        for endpoint in self._open.values():
            endpoint.close()
        self._open.clear()
