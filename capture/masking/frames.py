"""Frames behind a mask: link, IP and UDP headers written anew around the masked payload.

Only what is known to say nothing is taken over: link type, VLAN tags, TTL, IP identification, ports, lengths. Options,
extension headers, padding and the pieces of fragmented datagrams are left out; checksums are right, except where the
capture cut the packet.
"""

from __future__ import annotations

import struct
from typing import Final

from capture.links import ETHERNET, LOOP, NULL, SLL, SLL2
from capture.masking.mask import Mask
from capture.table import PacketTable

_TAGS: Final = (b"\x81\x00", b"\x88\xa8", b"\x91\x00", b"\x92\x00")
_TAG_SIZE: Final = 4
_UDP: Final = 17
_LENGTHS: Final = {SLL: 16, SLL2: 20, NULL: 4, LOOP: 4}


def masked_frame(table: PacketTable, row: int, payload: bytes, mask: Mask) -> tuple[bytes, int]:
    """A frame with one row's datagram in it.

    Args:
        table: where the row is.
        row: its number.
        payload: what stands for as much of its payload as was captured.
        mask: what stands for what.

    Returns:
        The frame, and its length on the wire.
    """
    interface = table.files[int(table.file[row])].interfaces[int(table.interface[row])]
    link = masked_link(table.frame_bytes(row), interface.linktype, mask)
    wire = int(table.wire_length[row])
    cut = wire > len(payload)
    ports = struct.pack(">HH", mask.port(int(table.sport[row])), mask.port(int(table.dport[row])))
    size = min(8 + wire, 0xFFFF)
    six = bool(table.family6[row])
    src, dst = int(table.src[row]), int(table.dst[row])
    if six:
        hosts = mask.host6(table.hosts6[src]) + mask.host6(table.hosts6[dst])
    else:
        hosts = mask.host4(src).to_bytes(4, "big") + mask.host4(dst).to_bytes(4, "big")
    checksum = 0
    if not cut:
        pseudo = hosts + struct.pack(">IHH", size, 0, _UDP)
        checksum = _checksum(pseudo + ports + struct.pack(">HH", size, 0) + payload) or 0xFFFF
    elif six:
        checksum = 0xFFFF  # none is not allowed there
    udp = ports + struct.pack(">HH", size, checksum)
    ttl = int(table.ttl[row])
    if six:
        ip = struct.pack(">IHBB", 6 << 28, size, _UDP, ttl) + hosts
    else:
        head = struct.pack(">BBHHHBB", 0x45, 0, min(20 + size, 0xFFFF), int(table.ip_id[row]), 0, ttl, _UDP)
        ip = head + struct.pack(">H", _checksum(head + bytes(2) + hosts)) + hosts
    frame = link + ip + udp + payload
    return frame, len(frame) - len(payload) + wire


def masked_link(frame: bytes, linktype: int, mask: Mask) -> bytes:
    """The link-layer header of a frame with its addresses masked; as long as it was."""
    if linktype == ETHERNET:
        end = 12
        while frame[end : end + 2] in _TAGS:
            end += _TAG_SIZE
        return mask.mac(frame[:6]) + mask.mac(frame[6:12]) + frame[12 : end + 2]
    head = frame[: _LENGTHS.get(linktype, 0)]
    if linktype == SLL:
        length = min(int.from_bytes(head[4:6], "big"), 8)
        return head[:6] + mask.mac(head[6 : 6 + length]) + bytes(8 - length) + head[14:]
    if linktype == SLL2:
        length = min(head[11], 8)
        return head[:12] + mask.mac(head[12 : 12 + length]) + bytes(8 - length)
    return head


def _checksum(data: bytes) -> int:
    """The Internet checksum: the ones' complement of the sum of all 16-bit words."""
    padded = data + b"\0" if len(data) % 2 else data
    total = int.from_bytes(padded, "big") % 0xFFFF
    # A sum of nothing but zeros is 0, any other multiple of 0xffff is 0xffff.
    return 0xFFFF ^ (total or 0xFFFF * any(data))
