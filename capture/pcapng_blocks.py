"""Blocks and options of a pcapng file, as bytes.

Block: type u32, total length u32 (a multiple of 4, 12 at least), body, total length again. Options: code u16, length
u16, value padded to 4 bytes; code 0 ends them. Integers are in the byte order of their section.

Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from capture.frames import Interface, SecretsBlock

SECTION_HEADER: Final = 0x0A0D0D0A
INTERFACE_DESCRIPTION: Final = 1
OBSOLETE_PACKET: Final = 2
SIMPLE_PACKET: Final = 3
INTERFACE_STATISTICS: Final = 5
ENHANCED_PACKET: Final = 6
DECRYPTION_SECRETS: Final = 10
CUSTOM: Final = (0x0BAD, 0x40000BAD)
JOURNAL: Final = 9
SYSDIG_EVENTS: Final = (0x204, 0x208, 0x216, 0x217, 0x221, 0x222)
OTHER_FRAMES: Final = (*CUSTOM, JOURNAL, *SYSDIG_EVENTS)
"""Blocks that hold no packet and have a frame number in Wireshark all the same."""
PACKETS: Final = (ENHANCED_PACKET, SIMPLE_PACKET, OBSOLETE_PACKET)

BYTE_ORDER_MAGIC: Final = 0x1A2B3C4D
OPTION_END: Final = 0
OPTION_COMMENT: Final = 1
EPB_FLAGS: Final = 2
IF_NAME: Final = 2
IF_TSRESOL: Final = 9
IF_TSOFFSET: Final = 14
ISB_IFDROP: Final = 5
ISB_OSDROP: Final = 7
MAX_BLOCK: Final = 16 << 20
"""Longest block believed; longer ones (Wireshark's limit too) mean that the file is damaged."""
MAX_TICKS_EXPONENT: Final = 63


def section_order(head: bytes) -> str | None:
    """Byte order (struct notation) of a section header block that starts with these 12 bytes."""
    if len(head) >= 12 and head[:4] == b"\x0a\x0d\x0d\x0a":
        for order in "<>":
            if struct.unpack(order + "I", head[8:12])[0] == BYTE_ORDER_MAGIC:
                return order
    return None


def section_size(head: bytes) -> int:
    """Bytes of a section header block that starts with these 12 bytes; 12 if none does."""
    order = section_order(head)
    return 12 if order is None else int(struct.unpack_from(order + "I", head, 4)[0])


def options(body: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Code and value of each option; ends at the end mark or where they run over the body."""
    at = 0
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == OPTION_END or at + 4 + length > len(body):
            return
        yield code, body[at + 4 : at + 4 + length]
        at += 4 + length + (-length & 3)


def read_interface(body: bytes, order: str) -> Interface | str:
    """Decode the body of an interface description block: linktype u16, reserved u16, snaplen u32, options.

    Returns:
        The interface, or why it can't be one.
    """
    if len(body) < 8:
        return "interface description of less than 8 bytes"
    linktype, _, snaplen = struct.unpack_from(order + "HHI", body)
    name, resolution, offset_s, comment = "", 6, 0, ""
    for code, value in options(body[8:], order):
        if code == IF_NAME:
            name = value.decode("utf-8", "replace")
        elif code == IF_TSRESOL and len(value) == 1:
            resolution = value[0]
        elif code == IF_TSOFFSET and len(value) == 8:
            offset_s = int(struct.unpack(order + "q", value)[0])
        elif code == OPTION_COMMENT:
            comment = value.decode("utf-8", "replace")
    if resolution & 0x7F > (MAX_TICKS_EXPONENT if resolution & 0x80 else 19):
        return f"time resolution 0x{resolution:02x} is finer than 64 bits can count"
    return Interface(linktype, name, snaplen, resolution, offset_s, comment)


def read_secrets(body: bytes, order: str) -> SecretsBlock | str:
    """Decode the body of a decryption secrets block: type u32, length u32, data.

    Returns:
        The block, or why it can't be one.
    """
    if len(body) < 8:
        return "decryption secrets of less than 8 bytes"
    kind, length = struct.unpack_from(order + "II", body)
    if 8 + length > len(body):
        return "decryption secrets longer than their block"
    return SecretsBlock(kind, body[8 : 8 + length])


def read_statistics(body: bytes, order: str) -> tuple[int, int | None] | None:
    """Decode the body of an interface statistics block: interface u32, time u32 u32, options.

    Returns:
        The interface and how many packets it and the system dropped up to then, or None where neither is told; or None
        for less than 12 bytes.
    """
    if len(body) < 12:
        return None
    (interface,) = struct.unpack_from(order + "I", body)
    dropped = [
        int(struct.unpack(order + "Q", value)[0])
        for code, value in options(body[12:], order)
        if code in (ISB_IFDROP, ISB_OSDROP) and len(value) == 8
    ]
    return interface, sum(dropped) if dropped else None
