"""From a link-layer frame to the IP packet in it.

| link type | header |
|---|---|
| 1 Ethernet | 6 B destination, 6 B source, ethertype u16; 802.1Q/802.1ad tags (4 B each) may precede the ethertype |
| 113 SLL | packet type u16, ARPHRD u16, address length u16, 8 B address, protocol u16 |
| 276 SLL2 | protocol u16, reserved u16, interface u32, ARPHRD u16, packet type u8, address length u8, 8 B address |
| 0 NULL, 108 LOOP | address family u32: byte order of the writer, or big-endian |
| 12, 14, 101 raw | none: the IP version is in the first four bits |
| 228, 229 | none: IPv4 or IPv6 |

Integers are big-endian. Source: https://www.tcpdump.org/linktypes.html.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, U8, U64, Array, Rows
from capture.raw import Raw

NULL: Final = 0
ETHERNET: Final = 1
LOOP: Final = 108
SLL: Final = 113
RAW_IPV4: Final = 228
RAW_IPV6: Final = 229
SLL2: Final = 276
RAW_IP: Final = (12, 14, 101)

LINKTYPE_NAMES: Final = {
    NULL: "BSD loopback",
    ETHERNET: "Ethernet",
    12: "raw IP",
    14: "raw IP",
    101: "raw IP",
    LOOP: "OpenBSD loopback",
    SLL: "Linux cooked",
    RAW_IPV4: "raw IPv4",
    RAW_IPV6: "raw IPv6",
    SLL2: "Linux cooked v2",
    9: "PPP",
    51: "PPPoE",
    105: "IEEE 802.11",
    127: "IEEE 802.11 radiotap",
    187: "Bluetooth HCI H4",
    189: "USB, Linux",
    220: "USB, Linux padded",
    249: "USBPcap",
    251: "Bluetooth LE",
}
SUPPORTED: Final = frozenset((NULL, ETHERNET, LOOP, SLL, SLL2, RAW_IPV4, RAW_IPV6, *RAW_IP))

DIRECTED: Final = frozenset((ETHERNET, SLL, SLL2))
"""Link types whose headers tell frames on their way in from those on their way out."""

_PROTOCOL_AT: Final = {ETHERNET: 12, SLL: 14, SLL2: 0}
_HEADER: Final = {ETHERNET: 14, SLL: 16, SLL2: 20, NULL: 4, LOOP: 4}
_TAGS: Final = (0x8100, 0x88A8, 0x9100, 0x9200)
_MAX_TAGS: Final = 4
_IPV4: Final = 0x0800
_IPV6: Final = 0x86DD
_AF_INET: Final = 2
_AF_INET6: Final = (10, 23, 24, 28, 30)
"""Linux, Windows, NetBSD and OpenBSD, FreeBSD, macOS."""

_BE16: Final = np.dtype(">u2")
_BE32: Final = np.dtype(">u4")
_BYTE: Final = np.dtype("u1")


class Packets(NamedTuple):
    """IP packets found in frames; one entry per frame."""

    at: I64
    """Byte offset of the IP header (meaningless where `version` is 0)."""
    version: U8
    """4, 6, or 0 where the frame holds no IP packet."""

    def pick(self, rows: Rows) -> Packets:
        """Some of these packets."""
        return Packets._make(column[rows] for column in self)


def linktype_name(linktype: int) -> str:
    """The name of a link type, for messages."""
    return LINKTYPE_NAMES.get(linktype, "unknown")


def find_packets(raw: Raw, at: I64, end: I64, linktype: int) -> Packets:
    """Find the IP packets in frames of one link type.

    Args:
        raw: where the frames are.
        at: offset of each frame.
        end: offset past the last captured byte of each frame.
        linktype: one of `SUPPORTED`.
    """
    if linktype in _PROTOCOL_AT:
        packet_at = at + _HEADER[linktype]
        protocol = raw.gather(at + _PROTOCOL_AT[linktype], _BE16).astype(np.uint16)
        _step_over_tags(raw, packet_at, protocol)
        version = np.where(protocol == _IPV4, 4, np.where(protocol == _IPV6, 6, 0)).astype(np.uint8)
    elif linktype in (NULL, LOOP):
        packet_at = at + 4
        family = raw.gather(at, _BE32)
        swapped = family.byteswap()
        is4 = (family == _AF_INET) | (swapped == _AF_INET)
        is6 = np.isin(family, _AF_INET6) | np.isin(swapped, _AF_INET6)
        version = np.where(is4, 4, np.where(is6, 6, 0)).astype(np.uint8)
    else:
        packet_at = at
        first = raw.gather(at, _BYTE) >> 4
        allowed = {RAW_IPV4: (4,), RAW_IPV6: (6,)}.get(linktype, (4, 6))
        version = np.where(np.isin(first, allowed), first, 0).astype(np.uint8)
    version[packet_at >= end] = 0
    return Packets(packet_at, version)


def _step_over_tags(raw: Raw, packet_at: I64, protocol: np.ndarray) -> None:
    for _ in range(_MAX_TAGS):
        tagged = np.flatnonzero((protocol != _IPV4) & np.isin(protocol, _TAGS))
        if not tagged.size:
            return
        protocol[tagged] = raw.gather(packet_at[tagged] + 2, _BE16)
        packet_at[tagged] += 4


def hops(raw: Raw, at: I64, linktype: int) -> U64:
    """A number per frame that tells where it was seen: interface and direction as far as the link header says.

    Ethernet: the pair of MAC addresses, and the VLAN. SLL2: interface index and packet type. SLL: packet type and
    address. The others say nothing: 0.
    """
    if linktype == ETHERNET:
        words = raw.gather(at, np.dtype([("a", "<u8"), ("b", "<u4"), ("type", ">u2"), ("tag", ">u2")]))
        tag = np.where(np.isin(words["type"], _TAGS), words["tag"], 0).astype(np.uint64)
        return _mixed(words["a"], words["b"]) ^ tag << np.uint64(48)
    if linktype == SLL2:
        words = raw.gather(at, np.dtype([("x", "V4"), ("interface", ">u4"), ("y", "V2"), ("type", "u1")]))
        return _mixed(words["interface"], words["type"])
    if linktype == SLL:
        words = raw.gather(at, np.dtype([("type", ">u2"), ("x", "V4"), ("address", "<u8")]))
        return _mixed(words["address"], words["type"])
    return np.zeros(at.size, np.uint64)


def _mixed(first: Array, second: Array) -> U64:
    mixed: U64 = first.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ second.astype(np.uint64)
    return mixed
