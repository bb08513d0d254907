"""Building packets and capture files by hand, for tests."""

from __future__ import annotations

import struct
from socket import inet_aton


def udp(payload: bytes, sport: int = 1000, dport: int = 2000, length: int | None = None) -> bytes:
    return struct.pack(">HHHH", sport, dport, 8 + len(payload) if length is None else length, 0) + payload


def ipv4(
    body: bytes,
    src: str = "10.0.0.1",
    dst: str = "10.0.0.2",
    ttl: int = 64,
    ip_id: int = 0,
    protocol: int = 17,
    options: bytes = b"",
    fragment: int = 0,
    total: int | None = None,
) -> bytes:
    header = 20 + len(options)
    length = header + len(body) if total is None else total
    head = struct.pack(">BBHHHBBH", 0x40 | header // 4, 0, length, ip_id, fragment, ttl, protocol, 0)
    return head + inet_aton(src) + inet_aton(dst) + options + body


def ipv6(body: bytes, src: bytes, dst: bytes, next_header: int = 17, hops: int = 64) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(body), next_header, hops) + src + dst + body


def ethernet(packet: bytes, ethertype: int = 0x0800, tags: bytes = b"", macs: bytes = b"DDDDDDSSSSSS") -> bytes:
    return macs + tags + struct.pack(">H", ethertype) + packet


def sll2(packet: bytes, interface: int = 2, kind: int = 0, protocol: int = 0x0800) -> bytes:
    return struct.pack(">HHIHBB8s", protocol, 0, interface, 1, kind, 6, b"SSSSSS") + packet


def pcap(
    frames: list[tuple[int, bytes]] | list[bytes],
    linktype: int = 1,
    order: str = "<",
    nanoseconds: bool = False,
    snaplen: int = 262144,
) -> bytes:
    """Frames with their times in nanoseconds, or without (one millisecond apart)."""
    magic, tick = (0xA1B23C4D, 1) if nanoseconds else (0xA1B2C3D4, 1000)
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, linktype)]
    for index, item in enumerate(frames):
        time_ns, frame = item if isinstance(item, tuple) else (1_700_000_000 * 10**9 + index * 10**6, item)
        kept = frame[:snaplen]
        parts.append(
            struct.pack(order + "IIII", time_ns // 10**9, time_ns % 10**9 // tick, len(kept), len(frame)) + kept
        )
    return b"".join(parts)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = len(body) + 12
    return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(linktype: int = 1, order: str = "<", snaplen: int = 0, options: bytes = b"") -> bytes:
    return block(1, struct.pack(order + "HHI", linktype, 0, snaplen) + options, order)


def enhanced(
    frame: bytes, ticks: int, interface: int = 0, order: str = "<", wire: int | None = None, options: bytes = b""
) -> bytes:
    wire = len(frame) if wire is None else wire
    head = struct.pack(order + "IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), wire)
    return block(6, head + frame + bytes(-len(frame) % 4) + options, order)


def simple(frame: bytes, order: str = "<", wire: int | None = None) -> bytes:
    return block(3, struct.pack(order + "I", len(frame) if wire is None else wire) + frame, order)


def obsolete(frame: bytes, ticks: int, interface: int = 0, order: str = "<") -> bytes:
    head = struct.pack(order + "HHIIII", interface, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(2, head + frame, order)
