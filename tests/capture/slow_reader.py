"""A plain reading of a capture: packet by packet, with struct and `protocol.decode`; what the fast one must equal."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from capture.fragments import Reassembler
from capture.keylog import SECRETS_TYPE
from protocol.decode import decode_datagram
from protocol.messages import Punch, Request, Response, UdxHeader, Undecodable

MAX_FRAME = 262_144
MAX_BLOCK = 16 << 20
IPV4_ONLY, IPV6_ONLY = 228, 229
TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)


@dataclass
class Frame:
    number: int
    time_ns: int
    linktype: int
    interface: int
    wire_length: int
    data: bytes


@dataclass
class Slow:
    """Rows as tuples, in the order of `COLUMNS`; counts as in CaptureFile."""

    rows: list[tuple[object, ...]] = field(default_factory=list)
    frames: int = 0
    not_udp: int = 0
    malformed: int = 0
    fragments: int = 0
    pending: int = 0
    secrets: list[bytes] = field(default_factory=list)
    damaged_at: int | None = None


COLUMNS = """
    frame time_ns interface src sport dst dport ttl ip_id length wire_length payload
    kind flags tid command to_host to_port target8
""".split()  # noqa: SIM905  one line of names reads better than nineteen


def read(data: bytes) -> Slow:
    slow = Slow()
    frames = pcapng_frames(data, slow) if data[:4] == b"\x0a\x0d\x0d\x0a" else pcap_frames(data, slow)
    pieces: Reassembler[int] = Reassembler()
    for frame in frames:
        slow.frames += 1
        take(frame, slow, pieces)
    slow.pending = pieces.pending
    return slow


def pcap_frames(data: bytes, slow: Slow) -> Iterator[Frame]:
    order, tick, header = {
        b"\xd4\xc3\xb2\xa1": ("<", 1000, 16),
        b"\xa1\xb2\xc3\xd4": (">", 1000, 16),
        b"\x4d\x3c\xb2\xa1": ("<", 1, 16),
        b"\xa1\xb2\x3c\x4d": (">", 1, 16),
        b"\x34\xcd\xb2\xa1": ("<", 1000, 24),
        b"\xa1\xb2\xcd\x34": (">", 1000, 24),
    }[data[:4]]
    linktype = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at, number = 24, 0
    while at < len(data):
        if len(data) - at < header:
            slow.damaged_at = at
            return
        seconds, fraction, length, wire = struct.unpack_from(order + "IIII", data, at)
        if length > MAX_FRAME or at + header + length > len(data):
            slow.damaged_at = at
            return
        number += 1
        body = data[at + header : at + header + length]
        yield Frame(number, seconds * 10**9 + fraction * tick, linktype, 0, wire, body)
        at += header + length


def pcapng_frames(data: bytes, slow: Slow) -> Iterator[Frame]:
    at = number = base = 0
    order = "<"
    interfaces: list[tuple[int, int, int, int]] = []
    while at < len(data):
        slow.damaged_at = at
        if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            if len(data) - at < 28:
                return
            order = "<" if data[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            if struct.unpack_from(order + "I", data, at + 8)[0] != 0x1A2B3C4D:
                return
            base = len(interfaces)
        if len(data) - at < 12:
            return
        kind, size = struct.unpack_from(order + "II", data, at)
        if size < 12 or size % 4 or size > MAX_BLOCK or at + size > len(data):
            return
        if kind == 0x0A0D0D0A and (size < 28 or struct.unpack_from(order + "H", data, at + 12)[0] != 1):
            return
        if struct.unpack_from(order + "I", data, at + size - 4)[0] != size:
            return
        body = data[at + 8 : at + size - 4]
        if kind == 1:
            if (described := interface(body, order)) is None or len(interfaces) >= 0xFFFF:
                return
            interfaces.append(described)
        elif kind == 10:
            if len(body) < 8 or struct.unpack_from(order + "I", body, 4)[0] > len(body) - 8:
                return
            type_, length = struct.unpack_from(order + "II", body)
            if type_ == SECRETS_TYPE:
                slow.secrets.append(body[8 : 8 + length])
        elif kind in (0x0BAD, 0x40000BAD, 9, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222):
            number += 1
            slow.frames += 1
            slow.not_udp += 1
        elif kind in (2, 3, 6):
            found = packet(kind, body, order, interfaces[base:])
            if found is None:
                return
            which, time_ns, wire, frame = found
            number += 1
            yield Frame(number, time_ns, interfaces[base + which][0], base + which, wire, frame)
        at += size
    slow.damaged_at = None


def interface(body: bytes, order: str) -> tuple[int, int, int, int] | None:
    if len(body) < 8:
        return None
    linktype, _, snaplen = struct.unpack_from(order + "HHI", body)
    resolution, offset, at = 6, 0, 8
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        value = body[at + 4 : at + 4 + length]
        if code == 0 or len(value) < length:
            break
        if code == 9 and length == 1:
            resolution = value[0]
        if code == 14 and length == 8:
            offset = struct.unpack(order + "q", value)[0]
        at += 4 + length + (-length % 4)
    if resolution > 19 and not 128 <= resolution <= 128 + 63:
        return None
    return linktype, snaplen, resolution, offset


def packet(
    kind: int, body: bytes, order: str, interfaces: list[tuple[int, int, int, int]]
) -> tuple[int, int, int, bytes] | None:
    if kind == 3:
        if len(body) < 4 or not interfaces:
            return None
        wire = struct.unpack_from(order + "I", body)[0]
        length = min(wire, interfaces[0][1] or len(body) - 4)
        return None if length > min(len(body) - 4, MAX_FRAME) else (0, 0, wire, body[4 : 4 + length])
    if len(body) < 20:
        return None
    which, high, low, length, wire = struct.unpack_from(order + "IIIII", body)
    if kind == 2:
        which = struct.unpack_from(order + "H", body)[0]
    if which >= len(interfaces) or length > min(len(body) - 20, MAX_FRAME):
        return None
    return which, ticks_to_ns(high << 32 | low, *interfaces[which][2:]), wire, body[20 : 20 + length]


def ticks_to_ns(ticks: int, resolution: int, offset: int) -> int:
    per_second = 2 ** (resolution - 128) if resolution & 128 else 10**resolution
    most = (2**63 - 1) // 10**9 - 8
    seconds = min(max(min(ticks // per_second, 2**62) + offset, -most), most)
    fraction = ticks % per_second
    if resolution & 128 and resolution - 128 > 33:
        fraction, per_second = fraction >> (resolution - 128 - 33), 2**33
    return seconds * 10**9 + fraction * 10**9 // per_second


def take(frame: Frame, slow: Slow, pieces: Reassembler[int]) -> None:
    at, version = packet_of(frame)
    if version == 0:
        slow.not_udp += 1
        return
    opened = (open_ipv4 if version == 4 else open_ipv6)(frame, at)
    if opened is None:
        slow.malformed += 1
        return
    protocol, body, wire, ttl, ip_id, src, dst, position, more, fragment_id = opened
    if protocol in (17, 255) and position is None:
        add(frame, slow, body, wire if protocol == 17 else 0, ttl, ip_id, src, dst)
        return
    if protocol != 17:
        slow.not_udp += protocol != 255
        slow.malformed += protocol == 255
        return
    if len(body) < wire:
        if position == 0:
            add(frame, slow, body, 65535, ttl, ip_id, src, dst)
        else:
            slow.fragments += 1
        return
    key = src, dst, fragment_id, ttl, frame.interface, hop_of(frame)
    whole = pieces.add(key, position, more, body, frame.time_ns, frame.number)
    if whole is None:
        slow.fragments += 1
    else:
        add(frame, slow, whole[0], len(whole[0]), ttl, ip_id, src, dst)


def hop_of(frame: Frame) -> bytes:
    if frame.linktype == 1:
        return frame.data[:12] + (frame.data[12:16] if int.from_bytes(frame.data[12:14], "big") in TAGS else b"")
    if frame.linktype == 276:
        return frame.data[4:8] + frame.data[10:11]
    return frame.data[:2] + frame.data[6:14] if frame.linktype == 113 else b""


def packet_of(frame: Frame) -> tuple[int, int]:
    data = frame.data
    if frame.linktype in (1, 113, 276):
        at, where = {1: (14, 12), 113: (16, 14), 276: (20, 0)}[frame.linktype]
        kind = int.from_bytes(data[where : where + 2], "big")
        for _ in range(4):
            if kind in TAGS and len(data) >= at + 4:
                kind = int.from_bytes(data[at + 2 : at + 4], "big")
                at += 4
        version = {0x0800: 4, 0x86DD: 6}.get(kind, 0)
    elif frame.linktype in (0, 108):
        family = {int.from_bytes(data[:4], "big"), int.from_bytes(data[:4], "little")}
        at, version = 4, 4 if 2 in family else 6 if family & {10, 23, 24, 28, 30} else 0
    elif frame.linktype in (12, 14, 101, IPV4_ONLY, IPV6_ONLY):
        at, version = 0, data[0] >> 4 if data else 0
        if version not in {IPV4_ONLY: (4,), IPV6_ONLY: (6,)}.get(frame.linktype, (4, 6)):
            version = 0
    else:
        return 0, 0
    return at, version if at < len(data) else 0


Opened = tuple[int, bytes, int, int, int, bytes, bytes, int | None, bool, int]


def open_ipv4(frame: Frame, at: int) -> Opened | None:
    data = frame.data
    header = (data[at] & 15) * 4
    if data[at] >> 4 != 4 or header < 20 or len(data) < at + header:
        return None
    total, ip_id, fragment = struct.unpack_from(">HHH", data, at + 2)
    if total == 0:
        total = max(frame.wire_length - at, -1)
    if total < header:
        return None
    position, more = (fragment & 0x1FFF) * 8, bool(fragment & 0x2000)
    body = data[at + header : at + total]
    src, dst = data[at + 12 : at + 16], data[at + 16 : at + 20]
    where = position if more or position else None
    return data[at + 9], body, total - header, data[at + 8], ip_id, src, dst, where, more, ip_id


def open_ipv6(frame: Frame, at: int) -> Opened | None:
    data = frame.data
    if len(data) < at + 40 or data[at] >> 4 != 6:
        return None
    stop = at + 40 + int.from_bytes(data[at + 4 : at + 6], "big")
    protocol, ttl, src, dst = data[at + 6], data[at + 7], data[at + 8 : at + 24], data[at + 24 : at + 40]
    here, position, more, fragment_id = at + 40, None, False, 0
    for _ in range(16):
        if protocol not in (0, 43, 44, 51, 60, 135, 139, 140) or position is not None:
            break
        head = data[here : here + 8]
        if len(head) < 2:
            return None
        size = 8 if protocol == 44 else (head[1] + 2) * 4 if protocol == 51 else (head[1] + 1) * 8
        if here + size > len(data) or here + size > stop:
            return None
        if protocol == 44:
            offset, fragment_id = struct.unpack(">HI", head[2:8])
            more = bool(offset & 1)
            if offset & 0xFFF9:
                position = offset & 0xFFF8
        protocol = head[0]
        here += size
    if protocol == 255:
        return None
    return protocol, data[here:stop], stop - here, ttl, 0, src, dst, position, more, fragment_id


def add(frame: Frame, slow: Slow, body: bytes, wire: int, ttl: int, ip_id: int, src: bytes, dst: bytes) -> None:
    if len(body) < 8 or wire < 8:
        slow.malformed += 1
        return
    sport, dport, length, _ = struct.unpack_from(">HHHH", body)
    if length < 8:
        slow.malformed += 1
        return
    sent = min(length, wire) - 8
    payload = body[8 : 8 + sent]
    fixed = (frame.number, frame.time_ns, frame.interface, src, sport, dst, dport, ttl, ip_id, len(payload), sent)
    slow.rows.append((*fixed, payload, *envelope(payload, sent)))


def envelope(payload: bytes, sent: int) -> tuple[int, ...]:
    message = decode_datagram(payload, sent)
    if isinstance(message, Undecodable):
        return 5, 0, 0, 255, 0, 0, 0
    if isinstance(message, Punch):
        return 4, 0, 0, 255, 0, 0, 0
    if isinstance(message, UdxHeader):
        return 3, message.flags, 0, 255, message.remote_id, 0, 0
    if not isinstance(message, Request | Response):
        return 0, 0, 0, 255, 0, 0, 0
    flags = payload[1] if payload[1] <= 0xFC else payload[2]
    host = int.from_bytes(bytes(int(part) for part in message.to.host.split(".")), "big")
    if isinstance(message, Response):
        return 2, flags, message.tid, 255, host, message.to.port, 0
    target = int.from_bytes((message.target or b"")[:8], "big")
    return 1, flags, message.tid, min(message.command, 255), host, message.to.port, target
