"""Which addresses are worth a try: private and reserved ranges, and the likely neighbour among several.

Source: npm bogon 1.2.0 (index.js), hyperdht 6.34.0 (lib/holepuncher.js: matchAddress).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Final

from protocol.messages import Address

_PRIVATE: Final = tuple(
    IPv4Network(network)
    for network in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
    )
)  # fmt: skip
_RESERVED: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3",
    )
)  # fmt: skip


@lru_cache(maxsize=1024)
def is_private(host: str) -> bool:
    """Whether this IPv4 address is one of a local network, of a carrier's NAT, or loopback."""
    return _is_in(_PRIVATE, host)


@lru_cache(maxsize=1024)
def is_reserved(host: str) -> bool:
    """Whether nobody can have this IPv4 address: documentation, multicast, benchmarks. True for what is none."""
    return _is_in(_RESERVED, host)


def is_bogon(host: str) -> bool:
    """Whether this address can't be reached over the internet."""
    return is_private(host) or is_reserved(host)


def nearest(ours: Iterable[Address], theirs: Iterable[Address]) -> Address | None:
    """Which of their addresses has most leading octets in common with one of ours; None where none has any."""
    best, longest = None, 0
    theirs = tuple(theirs)
    for mine in ours:
        for other in theirs:
            common = _common(mine.host, other.host)
            if common > longest:
                best, longest = other, common
    return best


def is_near(ours: Iterable[Address], theirs: Iterable[Address]) -> bool:
    """Whether one of their private addresses seems to be in a network of ours."""
    return nearest(ours, (address for address in theirs if is_private(address.host))) is not None


def _common(a: str, b: str) -> int:
    count = 0
    for one, other in zip(a.split(".")[:3], b.split(".")[:3], strict=False):
        if one != other:
            break
        count += 1
    return count


def _is_in(networks: tuple[IPv4Network, ...], host: str) -> bool:
    try:
        address = IPv4Address(host)
    except AddressValueError:
        return networks is _RESERVED
    return any(address in network for network in networks)
