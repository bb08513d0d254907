"""Loopback addresses that are an embedded network's own, as long as it lives.

Several such networks may run at once, in one process or in many, from the same seed: two that chose the same addresses
would hear each other's datagrams. So each address is claimed for the system, by an abstract Unix socket of its name,
which goes with whoever holds it (unix(7), "abstract").
"""

from __future__ import annotations

import errno
from random import Random
from socket import AF_INET, AF_UNIX, SOCK_DGRAM, socket
from typing import Final

from app.demo.loopback_network import NoLoopbackError
from protocol.udp_shell import DEFAULT_PORT

_TRIES: Final = 100


class OwnAddresses:
    """Hands out addresses; `close` gives them back to the system."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._claims: dict[str, socket] = {}

    def take(self) -> str:
        """An address that nobody uses, as far as can be told.

        Raises:
            NoLoopbackError: there is none.
        """
        for _ in range(_TRIES):
            random = self._random
            host = f"127.{random.randrange(16, 240)}.{random.randrange(256)}.{random.randrange(1, 255)}"
            claim = _claim(host)
            if claim is None:
                continue
            if _is_used(host):
                claim.close()
                continue
            self._claims[host] = claim
            return host
        raise NoLoopbackError("no free loopback address was found")

    def close(self) -> None:
        """Give all of them back."""
        for claim in self._claims.values():
            claim.close()
        self._claims.clear()


def _claim(host: str) -> socket | None:
    """Claim an address among programs like this one; None if it is another's."""
    claim = socket(AF_UNIX, SOCK_DGRAM)
    try:
        claim.bind(f"\0peephole {host}")
    except OSError as error:
        claim.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise NoLoopbackError(f"{host} can't be claimed: {error.strerror}") from error
    return claim


def _is_used(host: str) -> bool:
    """Whether another program has a node of a DHT there.

    Raises:
        NoLoopbackError: it is no address of this system.
    """
    with socket(AF_INET, SOCK_DGRAM) as probe:
        try:
            probe.bind((host, DEFAULT_PORT))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise NoLoopbackError(
                f"{host} is no address of this system; the embedded network needs all of 127.0.0.0/8, as on Linux"
            ) from error
    return False
