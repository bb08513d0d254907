"""Endpoints as integers, the form in which packets are compared.

An IPv4 endpoint is ``host << 16 | port``; an IPv6 host is its index in the table's list of hosts, with bit 48 set in
the endpoint. One integer hashes and compares several times faster than an address pair, and there are millions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from capture.arrays import I64, U16, U32, Bools
from capture.envelopes import host_number
from capture.table import PacketTable, host_text
from protocol.address import Address

IPV6_BIT: Final = 1 << 48

_PRIVATE: Final = ((10, 24), (0xAC1, 20), (0xC0A8, 16), (0xA9FE, 16), (127, 24))
"""10/8, 172.16/12, 192.168/16, 169.254/16 and 127/8: network number and bits to its right."""


def source_endpoints(table: PacketTable, rows: slice | I64) -> I64:
    """The source endpoint of each of `rows`."""
    return _pack(table.src[rows], table.sport[rows], table.family6[rows])


def destination_endpoints(table: PacketTable, rows: slice | I64) -> I64:
    """The destination endpoint of each of `rows`."""
    return _pack(table.dst[rows], table.dport[rows], table.family6[rows])


def source_endpoint(table: PacketTable, row: int) -> int:
    """The source endpoint of one row."""
    endpoint: int = table.family6.item(row) << 48 | table.src.item(row) << 16 | table.sport.item(row)
    return endpoint


def destination_endpoint(table: PacketTable, row: int) -> int:
    """The destination endpoint of one row."""
    endpoint: int = table.family6.item(row) << 48 | table.dst.item(row) << 16 | table.dport.item(row)
    return endpoint


def _pack(host: U32, port: U16, family6: Bools) -> I64:
    packed = (host.astype(np.int64) << 16) | port
    if family6.any():
        packed |= family6.astype(np.int64) << 48
    return packed


@lru_cache(maxsize=1 << 14)
def endpoint_of(address: Address) -> int:
    """The integer of an IPv4 address as messages carry it."""
    return host_number(address.host) << 16 | address.port


def host_of(endpoint: int) -> int:
    """The endpoint without its port; comparable with other hosts only."""
    return endpoint >> 16


def address_of(table: PacketTable, endpoint: int) -> Address:
    """The address pair of an endpoint."""
    if endpoint & IPV6_BIT:
        from socket import AF_INET6, inet_ntop

        return Address(inet_ntop(AF_INET6, table.hosts6[(endpoint & ~IPV6_BIT) >> 16]), endpoint & 0xFFFF)
    return plain_address(endpoint)


def host_claim(host: int) -> int:
    """A number that stands for a whole host among endpoints."""
    return -1 - host


def host_of_claim(claim: int) -> int:
    """The host that such a number stands for."""
    return -1 - claim


@lru_cache(maxsize=1 << 14)
def is_private(host: int) -> bool:
    """Whether a host can only be reached from its own network."""
    return any(host >> shift == network for network, shift in _PRIVATE)


@lru_cache(maxsize=1 << 14)
def plain_address(endpoint: int) -> Address:
    """The address pair of an IPv4 endpoint."""
    return Address(host_text(endpoint >> 16 & 0xFFFFFFFF), endpoint & 0xFFFF)
