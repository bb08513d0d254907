"""From IP packets to the UDP datagrams in them.

IPv4 header: version and length u8, tos u8, total length u16, id u16, fragment flags and offset u16, ttl u8, protocol
u8, checksum u16, source 4 B, destination 4 B, options. IPv6 header: version, class, label u32, payload length u16, next
header u8, hop limit u8, source 16 B, destination 16 B; extension headers chain on. UDP header: source port u16,
destination port u16, length u16 (header included), checksum u16. All big-endian.

Source: RFC 791, RFC 8200, RFC 768; a total length of 0 (segmentation offload) means up to the end of the frame, as
Wireshark takes it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, U8, U16, U32, Array, Bools, Rows
from capture.links import Packets
from capture.raw import Raw

UDP: Final = 17
MALFORMED: Final = 255
"""Stands for the protocol of packets whose headers are cut or contradict themselves; 255 itself is reserved."""
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
_IPV6: Final = np.dtype(
    [("first", ">u4"), ("length", ">u2"), ("next", "u1"), ("ttl", "u1"), ("src", "V16"), ("dst", "V16")]
)
_UDP: Final = np.dtype([("sport", ">u2"), ("dport", ">u2"), ("length", ">u2"), ("checksum", ">u2")])
_TWO: Final = np.dtype([("next", "u1"), ("length", "u1")])
_FRAGMENT6: Final = np.dtype([("next", "u1"), ("reserved", "u1"), ("offset", ">u2"), ("id", ">u4")])

HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
MOBILITY, HOST_IDENTITY, SHIM6 = 135, 139, 140
_EXTENSIONS: Final = (HOP_BY_HOP, ROUTING, DESTINATION, AUTHENTICATION, MOBILITY, HOST_IDENTITY, SHIM6)
_MAX_EXTENSIONS: Final = 16


class Payloads(NamedTuple):
    """What the IP packets carry; one entry per packet that was looked at."""

    protocol: U8
    """Number of the protocol above IP; `MALFORMED` where the packet is too short or malformed to say."""
    at: I64
    """Offset of the first byte above IP."""
    end: I64
    """Offset past the last one that was captured."""
    wire_length: I64
    """Bytes above IP by the headers."""
    ttl: U8
    ip_id: U16
    src: U32
    dst: U32
    """IPv4 hosts; zero for IPv6, whose hosts are at `header` + 8 and + 24."""
    fragment_at: I64
    """Byte position in the whole datagram of a fragment; -1 if the packet is not one."""
    more: Bools
    """Fragments follow this one."""
    fragment_id: U32

    def pick(self, rows: Rows) -> Payloads:
        """Some of these."""
        return Payloads._make(column[rows] for column in self)


class Datagrams(NamedTuple):
    """UDP headers; one entry per datagram that was looked at."""

    sport: U16
    dport: U16
    at: I64
    """Offset of the first payload byte."""
    length: U32
    """Payload bytes captured."""
    wire_length: U32
    """Payload bytes by the headers."""
    sound: Bools
    """Whether the header is whole and its length possible."""


def open_packets(raw: Raw, packets: Packets, end: I64, wire_end: I64) -> Payloads:
    """Read the IP headers of packets that are all of one version (4 or 6).

    Args:
        raw: where the packets are.
        packets: where they start.
        end: offset past the last captured byte of each frame.
        wire_end: where the frame would end had all of it been captured.
    """
    if packets.version.size and packets.version[0] == 6:
        return _open_ipv6(raw, packets.at, end)
    return _open_ipv4(raw, packets.at, end, wire_end)


def _open_ipv4(raw: Raw, at: I64, end: I64, wire_end: I64) -> Payloads:
    header = raw.gather(at, _IPV4)
    first = header["first"]
    header_length = (first & 0x0F).astype(np.int64) * 4
    total = header["total"].astype(np.int64)
    offload = total == 0
    if offload.any():
        total[offload] = (wire_end - at)[offload]
    protocol = header["protocol"].copy()
    body_at = at + header_length
    bad = (first >> 4 != 4) | (header_length < 20) | (total < header_length) | (body_at > end)
    protocol[bad] = MALFORMED
    fragment = header["fragment"].astype(np.int64)
    position = (fragment & 0x1FFF) * 8
    more = fragment & 0x2000 != 0
    return Payloads(
        protocol,
        body_at,
        np.minimum(end, at + total),
        total - header_length,
        header["ttl"],
        header["id"].astype(np.uint16),
        header["src"].astype(np.uint32),
        header["dst"].astype(np.uint32),
        np.where(more | (position > 0), position, -1),
        more,
        header["id"].astype(np.uint32),
    )


def _open_ipv6(raw: Raw, at: I64, end: I64) -> Payloads:
    header = raw.gather(at, _IPV6)
    protocol = header["next"].copy()
    body_at = at + 40
    stop = body_at + header["length"]
    position = np.full(at.size, -1, np.int64)
    more = np.zeros(at.size, np.bool_)
    fragment_id = np.zeros(at.size, np.uint32)
    bad = (header["first"] >> 28 != 6) | (body_at > end)
    for _ in range(_MAX_EXTENSIONS):
        # Behind a fragment header lie the bytes of the fragment: nothing to step over before it is whole.
        chained = np.flatnonzero((np.isin(protocol, _EXTENSIONS) | (protocol == FRAGMENT)) & (position < 0) & ~bad)
        if not chained.size:
            break
        _step(raw, chained, protocol, body_at, position, more, fragment_id)
        bad |= (body_at > end) | (body_at > stop)
    protocol[bad] = MALFORMED
    zeros = np.zeros(at.size, np.uint32)
    return Payloads(
        protocol,
        body_at,
        np.minimum(end, stop),
        stop - body_at,
        header["ttl"],
        np.zeros(at.size, np.uint16),
        zeros,
        zeros,
        position,
        more,
        fragment_id,
    )


def _step(raw: Raw, rows: I64, protocol: U8, body_at: I64, position: I64, more: Bools, fragment_id: U32) -> None:
    """Step over one extension header in each of `rows`; the columns are changed in place."""
    kind = protocol[rows]
    head = raw.gather(body_at[rows], _TWO)
    size = (head["length"].astype(np.int64) + 1) * 8
    size[kind == AUTHENTICATION] = (head["length"][kind == AUTHENTICATION].astype(np.int64) + 2) * 4
    is_fragment = kind == FRAGMENT
    size[is_fragment] = 8
    if is_fragment.any():
        pieces = rows[is_fragment]
        fragment = raw.gather(body_at[pieces], _FRAGMENT6)
        offset = fragment["offset"].astype(np.int64)
        # An atomic fragment (whole in one piece) is no fragment.
        split = offset & 0xFFF9 != 0
        position[pieces[split]] = (offset & 0xFFF8)[split]
        more[pieces] = offset & 1 != 0
        fragment_id[pieces] = fragment["id"]
    protocol[rows] = head["next"]
    body_at[rows] += size


def open_udp(raw: Raw, at: I64, end: I64, wire_length: I64) -> Datagrams:
    """Read UDP headers.

    Args:
        raw: where the packets are.
        at: offset of each UDP header.
        end: offset past the last captured byte of each.
        wire_length: bytes from the UDP header on, by the IP header.
    """
    header: Array = raw.gather(at, _UDP)
    length = header["length"].astype(np.int64)
    payload_at = at + 8
    sound = (length >= 8) & (payload_at <= end) & (wire_length >= 8)
    wire = np.maximum(np.minimum(length, wire_length) - 8, 0)
    captured = np.clip(end - payload_at, 0, wire)
    return Datagrams(
        header["sport"].astype(np.uint16),
        header["dport"].astype(np.uint16),
        payload_at,
        captured.astype(np.uint32),
        wire.astype(np.uint32),
        sound,
    )
