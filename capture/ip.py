"""From IP packets to the UDP datagrams in them.

IPv4 header: version and length u8, tos u8, total length u16, id u16, fragment flags and offset u16, ttl u8, protocol
u8, checksum u16, source 4 B, destination 4 B, options. IPv6 header: version, class, label u32, payload length u16, next
header u8, hop limit u8, source 16 B, destination 16 B; extension headers chain on. UDP header: source port u16,
destination port u16, length u16 (header included), checksum u16. All big-endian.

Source: RFC 791, RFC 8200, RFC 768; a total length of 0 (segmentation offload) means up to the end of the frame, as
Wireshark takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, U8, U16, U32, Array, Bools, Rows
from capture.window import Offset, Window, part

UDP: Final = 17
MALFORMED: Final = 255
"""A reserved protocol number: packets that carry it are as good as malformed."""
_IPV4: Final = np.dtype(
    [
        ("first", "u1"),
        ("tos", "u1"),
        ("total", ">u2"),
        ("id", ">u2"),
        ("fragment", ">u2"),
        ("ttl", "u1"),
        ("protocol", "u1"),
        ("checksum", ">u2"),
        ("src", ">u4"),
        ("dst", ">u4"),
    ]
)
_IPV6: Final = np.dtype([("first", ">u4"), ("length", ">u2"), ("next", "u1"), ("ttl", "u1"), ("hosts", "V32")])
_UDP: Final = np.dtype([("sport", ">u2"), ("dport", ">u2"), ("length", ">u2"), ("checksum", ">u2")])
_BYTE: Final = np.dtype("u1")
_BE16: Final = np.dtype(">u2")
_TOTAL_AT: Final = 2
_PROTOCOL_AT: Final = 9
_NONE: Final = np.empty(0, np.int64)
_TWO: Final = np.dtype([("next", "u1"), ("length", "u1")])
_FRAGMENT6: Final = np.dtype([("next", "u1"), ("reserved", "u1"), ("offset", ">u2"), ("id", ">u4")])

HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
MOBILITY, HOST_IDENTITY, SHIM6 = 135, 139, 140
_EXTENSIONS: Final = (HOP_BY_HOP, ROUTING, DESTINATION, AUTHENTICATION, MOBILITY, HOST_IDENTITY, SHIM6)
_MAX_EXTENSIONS: Final = 16

Numbering = Callable[[Sequence[bytes]], list[int]]


class Payloads(NamedTuple):
    """What the IP packets carry; one entry per packet that was looked at."""

    offset: Offset
    """Of the first byte above IP."""
    end: I64
    """Past the last one that was captured."""
    wire_length: I64
    """Bytes above IP by the headers."""
    ttl: U8
    ip_id: U16
    src: U32
    dst: U32
    """IPv4 hosts, or indices of IPv6 hosts in `hosts6`."""
    fragment: Fragment | None
    """Where each belongs in its datagram; None if all are whole."""

    def pick(self, rows: Rows) -> Payloads:
        """Some of these."""
        piece = None if self.fragment is None else self.fragment.pick(rows)
        columns = (column[rows] for column in self[1:-1])
        return Payloads._make((part(self.offset, rows), *columns, piece))


class Fragment(NamedTuple):
    """Places of packets in fragmented datagrams."""

    position: I64
    """Byte position in the datagram; -1 if the packet is all of it."""
    more: Bools
    """Fragments follow this one."""
    id: U32

    def pick(self, rows: Rows) -> Fragment:
        """Some of these."""
        return Fragment(self.position[rows], self.more[rows], self.id[rows])


class Carriers(NamedTuple):
    """Which of some IP packets carry UDP."""

    rows: I64 | None
    """None if all do."""
    malformed: I64
    """Packets whose headers are cut short or contradict themselves."""


class Datagrams(NamedTuple):
    """UDP headers; one entry per datagram that was looked at."""

    sport: U16
    dport: U16
    offset: Offset
    """Of the first payload byte."""
    length: U32
    """Payload bytes captured."""
    wire_length: U32
    """Payload bytes by the headers."""
    sound: Bools
    """Whether the header is whole and its length possible."""


def ipv4_with_udp(window: Window, offset: Offset, length: U32, wire_length: U32) -> Carriers:
    """Find the IPv4 packets with UDP in them, or in what they are fragments of.

    Args:
        window: the frames.
        offset: of each header.
        length: bytes captured of each frame.
        wire_length: bytes sent of each frame.
    """
    first = window.read(offset, _BYTE)
    total = _total_length(window, offset, wire_length)
    header_length, plain = _header_length(first)
    bad = (total < header_length) | (offset + header_length > length)
    if not plain:
        bad |= (first >> 4 != 4) | (header_length < 20)
    protocol = window.read(offset + _PROTOCOL_AT, _BYTE)
    wanted = (protocol == UDP) & ~bad
    if wanted.all():
        return Carriers(None, _NONE)
    return Carriers(np.flatnonzero(wanted), np.flatnonzero(bad | (protocol == MALFORMED)))


def open_ipv4(window: Window, offset: Offset, length: U32, wire_length: U32) -> Payloads:
    """Read the headers of IPv4 packets that were found to carry UDP; arguments as for `ipv4_with_udp`."""
    header = window.read(offset, _IPV4)
    header_length, _ = _header_length(header["first"])
    total = _total_length(window, offset, wire_length)
    flags = header["fragment"].astype(np.uint16)
    fragment = None
    if (flags & 0x3FFF).any():
        position, more = (flags & 0x1FFF).astype(np.int64) * 8, flags & 0x2000 != 0
        fragment = Fragment(np.where(more | (position > 0), position, -1), more, header["id"].astype(np.uint32))
    return Payloads(
        offset + header_length,
        np.minimum(length, offset + total),
        total - header_length,
        header["ttl"],
        header["id"].astype(np.uint16),
        header["src"].astype(np.uint32),
        header["dst"].astype(np.uint32),
        fragment,
    )


def _header_length(first: Array) -> tuple[Offset, bool]:
    """Bytes of IPv4 header by its first byte; one number, and True, if no packet has options."""
    if (first == 0x45).all():
        return 20, True
    return (first & 0x0F).astype(np.int64) * 4, False


def _total_length(window: Window, offset: Offset, wire_length: U32) -> I64:
    total: I64 = window.read(offset + _TOTAL_AT, _BE16).astype(np.int64)
    if (total == 0).any():
        total = np.where(total == 0, np.maximum(wire_length.astype(np.int64) - offset, -1), total)
    return total


class Chain(NamedTuple):
    """What the extension headers of IPv6 packets lead to."""

    carriers: Carriers
    body: I64
    stop: I64
    fragment: Fragment


def ipv6_with_udp(window: Window, offset: Offset, length: U32) -> Chain:
    """Find the IPv6 packets with UDP behind their extension headers, or in what they are fragments of.

    Args:
        window: the frames.
        offset: of each header.
        length: bytes captured of each frame.
    """
    header = window.read(offset, _IPV6)
    protocol = header["next"].copy()
    count = length.size
    body = np.full(count, 40, np.int64) + offset
    stop = body + header["length"]
    fragment = Fragment(np.full(count, -1, np.int64), np.zeros(count, np.bool_), np.zeros(count, np.uint32))
    bad = (header["first"] >> 28 != 6) | (body > length)
    for _ in range(_MAX_EXTENSIONS):
        # Behind a fragment header lie the bytes of the fragment: nothing to step over before it is whole.
        extended = (np.isin(protocol, _EXTENSIONS) | (protocol == FRAGMENT)) & (fragment.position < 0) & ~bad
        if not extended.any():
            break
        _step(window, np.flatnonzero(extended), protocol, body, fragment)
        bad |= (body > length) | (body > stop)
    wanted = (protocol == UDP) & ~bad
    rows = None if wanted.all() else np.flatnonzero(wanted)
    return Chain(Carriers(rows, np.flatnonzero(bad | (protocol == MALFORMED))), body, stop, fragment)


def open_ipv6(window: Window, offset: Offset, length: U32, found: Chain, number: Numbering) -> Payloads:
    """Read the headers of IPv6 packets that were found to carry UDP.

    Args:
        window: the frames of those packets only.
        offset: of each header.
        length: bytes captured of each frame.
        found: what `ipv6_with_udp` found, for all packets it looked at.
        number: gives 16-byte hosts their numbers.
    """
    header = window.read(offset, _IPV6)
    rows: Rows = slice(None) if found.carriers.rows is None else found.carriers.rows
    pairs = header["hosts"].tobytes()
    hosts = np.array(number([pairs[at : at + 16] for at in range(0, len(pairs), 16)]), np.uint32)
    body, stop, fragment = found.body[rows], found.stop[rows], found.fragment.pick(rows)
    return Payloads(
        body,
        np.minimum(length, stop),
        stop - body,
        header["ttl"],
        np.zeros(body.size, np.uint16),
        hosts[0::2],
        hosts[1::2],
        fragment if (fragment.position >= 0).any() else None,
    )


def _step(window: Window, rows: I64, protocol: U8, body: I64, fragment: Fragment) -> None:
    """Step over one extension header in each of `rows`; the columns are changed in place."""
    kind = protocol[rows]
    head = window.read_some(rows, body[rows], _TWO)
    size = (head["length"].astype(np.int64) + 1) * 8
    size[kind == AUTHENTICATION] = (head["length"][kind == AUTHENTICATION].astype(np.int64) + 2) * 4
    is_fragment = kind == FRAGMENT
    size[is_fragment] = 8
    if is_fragment.any():
        pieces = rows[is_fragment]
        found = window.read_some(pieces, body[pieces], _FRAGMENT6)
        offset = found["offset"].astype(np.int64)
        # An atomic fragment (whole in one piece) is no fragment.
        split = offset & 0xFFF9 != 0
        fragment.position[pieces[split]] = (offset & 0xFFF8)[split]
        fragment.more[pieces] = offset & 1 != 0
        fragment.id[pieces] = found["id"]
    protocol[rows] = head["next"]
    body[rows] += size


def open_udp(window: Window, offset: Offset, end: I64, wire_length: I64) -> Datagrams:
    """Read UDP headers.

    Args:
        window: the frames.
        offset: of each UDP header.
        end: past the last captured byte of each datagram.
        wire_length: bytes from the UDP header on, by the IP header.
    """
    header = window.read(offset, _UDP)
    length = header["length"].astype(np.int64)
    payload = offset + 8
    sound = (length >= 8) & (payload <= end) & (wire_length >= 8)
    wire = np.maximum(np.minimum(length, wire_length) - 8, 0)
    captured = np.clip(end - payload, 0, wire)
    return Datagrams(
        header["sport"].astype(np.uint16),
        header["dport"].astype(np.uint16),
        payload,
        captured.astype(np.uint32),
        wire.astype(np.uint32),
        sound,
    )
