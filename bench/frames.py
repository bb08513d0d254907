"""Ethernet frames for generated captures, many of one shape at a time, as rows of a byte matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]

HEADERS = 42
"""Ethernet, IPv4 and UDP."""


def big_endian(values: Numbers, size: int) -> Bytes:
    """Each number as `size` bytes."""
    return (values[:, None] >> (8 * np.arange(size - 1, -1, -1)) & 0xFF).astype(np.uint8)


def little_endian(values: Numbers, size: int) -> Bytes:
    """Each number as `size` bytes."""
    return (values[:, None] >> (8 * np.arange(size)) & 0xFF).astype(np.uint8)


def frames(payloads: Bytes, src: Numbers, sport: Numbers, dst: Numbers, dport: Numbers, ttl: Numbers) -> Bytes:
    """UDP datagrams over IPv4 over Ethernet; the gateway's MAC addresses say which way each goes."""
    count, size = payloads.shape
    out = np.empty((count, HEADERS + size), np.uint8)
    out[:, 0:6] = (2, 0, 0, 0, 0, 1)
    out[:, 6:12] = (2, 0, 0, 0, 0, 2)
    inward = src > dst
    out[inward, 5], out[inward, 11] = 2, 1
    out[:, 12:14] = (8, 0)
    out[:, 14:16] = (0x45, 0)
    out[:, 16:18] = big_endian(np.full(count, 28 + size), 2)
    out[:, 18:22] = (0, 0, 0x40, 0)
    out[:, 22] = ttl
    out[:, 23] = 17
    out[:, 24:26] = 0
    out[:, 26:30] = big_endian(src, 4)
    out[:, 30:34] = big_endian(dst, 4)
    out[:, 34:36] = big_endian(sport, 2)
    out[:, 36:38] = big_endian(dport, 2)
    out[:, 38:40] = big_endian(np.full(count, 8 + size), 2)
    out[:, 40:42] = 0
    out[:, 42:] = payloads
    return out


def request(tid: Numbers, to: Bytes, flags: int, rest: Bytes) -> Bytes:
    """dht-rpc requests: everything after `to` in `rest`."""
    return _message(3, tid, to, flags, rest)


def response(tid: Numbers, to: Bytes, flags: int, rest: Bytes) -> Bytes:
    """dht-rpc responses: everything after `to` in `rest`."""
    return _message(0x13, tid, to, flags, rest)


def _message(kind: int, tid: Numbers, to: Bytes, flags: int, rest: Bytes) -> Bytes:
    head = np.empty((len(tid), 10), np.uint8)
    head[:, 0], head[:, 1] = kind, flags
    head[:, 2:4] = little_endian(tid, 2)
    head[:, 4:10] = to
    return np.concatenate((head, rest), axis=1)


def address(host: Numbers, port: Numbers) -> Bytes:
    """The 6 bytes of an ipv4 on the wire."""
    return np.concatenate((big_endian(host, 4), little_endian(port, 2)), axis=1)
