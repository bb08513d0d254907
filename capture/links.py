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

from capture.arrays import U8, U16, U32, Array
from capture.direction import BY_PACKET_TYPE
from capture.window import Offset, Window

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

_TYPE2_AT: Final = 10
_BE16: Final = np.dtype(">u2")
_BE32: Final = np.dtype(">u4")
_BYTE: Final = np.dtype("u1")
_MACS: Final = np.dtype([("a", "<u8"), ("b", "<u4"), ("type", ">u2"), ("tag", ">u2")])
_COOKED: Final = np.dtype([("type", ">u2"), ("x", "V4"), ("address", "<u8")])
_COOKED2: Final = np.dtype([("x", "V4"), ("interface", ">u4"), ("y", "V2"), ("type", "u1")])
_DIRECTIONS: Final = np.zeros(256, np.uint8)
_DIRECTIONS[: len(BY_PACKET_TYPE)] = BY_PACKET_TYPE
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_ODD: Final = np.uint64(0xC2B2AE3D27D4EB4F)


class Packets(NamedTuple):
    """IP packets found in frames; one entry per frame."""

    offset: Offset
    """Of the IP header (meaningless where `version` is 0)."""
    version: U8
    """4, 6, or 0 where the frame holds no IP packet."""


def linktype_name(linktype: int) -> str:
    """The name of a link type, for messages."""
    return LINKTYPE_NAMES.get(linktype, "unknown")


def find_packets(window: Window, length: U32, linktype: int) -> Packets:
    """Find the IP packets in frames of one link type.

    Args:
        window: the frames.
        length: bytes captured of each.
        linktype: one of `SUPPORTED`.
    """
    offset: Offset = _HEADER.get(linktype, 0)
    if linktype in _PROTOCOL_AT:
        protocol = window.read(_PROTOCOL_AT[linktype], _BE16)
        is4, is6 = protocol == _IPV4, protocol == _IPV6
        if not (is4 | is6).all():
            offset, protocol = _step_over_tags(window, offset, protocol.astype(np.uint16))
            is4, is6 = protocol == _IPV4, protocol == _IPV6
    elif linktype in (NULL, LOOP):
        family = window.read(0, _BE32)
        swapped = family.byteswap()
        is4 = (family == _AF_INET) | (swapped == _AF_INET)
        is6 = np.isin(family, _AF_INET6) | np.isin(swapped, _AF_INET6)
    else:
        first = window.read(0, _BYTE) >> 4
        is4 = (first == 4) & (linktype != RAW_IPV6)
        is6 = (first == 6) & (linktype != RAW_IPV4)
    version = is4 * np.uint8(4) + is6 * np.uint8(6)
    version[offset >= length] = 0
    return Packets(offset, version)


def _step_over_tags(window: Window, offset: Offset, protocol: Array) -> tuple[Offset, Array]:
    for _ in range(_MAX_TAGS):
        tagged = np.flatnonzero(np.isin(protocol, _TAGS))
        if not tagged.size:
            break
        if isinstance(offset, int):
            offset = np.full(protocol.size, offset, np.int64)
        protocol[tagged] = window.read_some(tagged, offset[tagged] + 2, _BE16)
        offset[tagged] += 4
    return offset, protocol


def direction_by_type(types: Array) -> U8:
    """Which way frames passed, by Linux's packet types, 0 to 255."""
    found: U8 = _DIRECTIONS[types]
    return found


def told_directions(window: Window, linktype: int) -> U8 | int:
    """Which way each frame passed, as `capture.direction.Passage`, by its link header; 0 where that does not tell."""
    if linktype == SLL2:
        return direction_by_type(window.read(_TYPE2_AT, _BYTE))
    if linktype == SLL:
        return direction_by_type(np.minimum(window.read(0, _BE16), 0xFF))
    return 0


def hops(window: Window, linktype: int, interface: U16) -> U32:
    """A number per frame that tells where it was seen: interface, and direction as far as the link header says.

    Ethernet: the pair of MAC addresses, and the VLAN. SLL2: interface index and packet type. SLL: packet type and
    address. The others say nothing more than the interface.
    """
    mixed = interface.astype(np.uint64) * _MIX
    if linktype == ETHERNET:
        words = window.read(0, _MACS)
        mixed ^= words["a"] ^ words["b"] * _MIX
        tagged = np.flatnonzero((words["type"] != _IPV4) & np.isin(words["type"], _TAGS))
        mixed[tagged] ^= words["tag"][tagged].astype(np.uint64) << np.uint64(48)
    elif linktype == SLL2:
        words = window.read(0, _COOKED2)
        mixed ^= words["interface"] * _MIX ^ words["type"]
    elif linktype == SLL:
        words = window.read(0, _COOKED)
        mixed ^= words["address"] ^ words["type"] * _MIX
    return (mixed * _ODD >> np.uint64(32)).astype(np.uint32)
