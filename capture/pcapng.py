"""Reading pcapng files: any number of sections, each with its byte order and interfaces.

Enhanced packet block (6): interface u32, time u32 u32 (high, low; ticks of the interface), captured length u32, wire
length u32, frame, options. The obsolete packet block (2) has interface u16 and drops u16 instead of interface u32. The
simple packet block (3) has the wire length only, no time, and belongs to interface 0. Layouts of the other blocks are
in `capture.pcapng_blocks`; those that are of no concern here are stepped over.

Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np

from capture.arrays import I64, U8, U64, Array, Bools
from capture.chain import follow
from capture.errors import CaptureError
from capture.frames import CHUNK, MAX_FRAME, REGION_BYTES, Findings, Frames, Interface, nanoseconds
from capture.pcapng_blocks import (
    DECRYPTION_SECRETS,
    ENHANCED_PACKET,
    INTERFACE_DESCRIPTION,
    MAX_BLOCK,
    OBSOLETE_PACKET,
    PACKETS,
    SECTION_HEADER,
    SIMPLE_PACKET,
    read_interface,
    read_secrets,
    section_order,
)
from capture.raw import Raw
from capture.window import HEAD, Offset, Window

_FRAME_AT: Final = 28
_SIMPLE_FRAME_AT: Final = 12
_WINDOWS: Final = (512, 2048)
_MAX_INTERFACES: Final = 0xFFFF
_COMMON: Final = range(1, 12)


def is_pcapng(head: bytes) -> bool:
    """Whether a file that starts with these four bytes is a pcapng file."""
    return head[:4] == b"\x0a\x0d\x0d\x0a"


class PcapngReader:
    """Frames of one pcapng file."""

    def __init__(self, raw: Raw, path: str) -> None:
        """Look at the first section header.

        Raises:
            CaptureError: not a pcapng file, or its first section header can't be read.
        """
        head = bytes(raw.buffer[:28])
        if not is_pcapng(head):
            raise CaptureError(path, "not a pcapng file", 0)
        if len(head) < 28:
            raise CaptureError(path, f"section header cut short ({len(head)} of 28 bytes)", len(head))
        if section_order(head) is None:
            raise CaptureError(path, "section header without its byte-order magic", 8)
        self.raw = raw
        self.findings = Findings("pcapng")
        self._base = 0
        self._untimed = 0
        self._set_order("<")
        damage = self._begin_section(0)
        if damage is not None:
            raise CaptureError(path, damage, 0)

    def _set_order(self, order: str) -> None:
        self._order = order
        self._word = np.dtype(order + "u4")
        self._header = np.dtype([("type", self._word), ("size", self._word)])
        names = ("type", "size", "interface", "high", "low", "length", "wire")
        self._headers = self.raw.column(np.dtype("V8"))
        self._last = max(self.raw.size - 8, 0)
        self._packet = np.dtype([(name, self._word) for name in names])
        self._head = struct.Struct(order + "II")
        self._trailer = struct.Struct(order + "I")

    def batches(self) -> Iterator[Frames]:
        """All frames up to the end of the file or the first damage, which `findings.damage` then describes."""
        yield from self._batches()
        if self._untimed:
            self.findings.notes.append(f"{self._untimed} simple packet blocks carry no time")

    def _batches(self) -> Iterator[Frames]:
        start = 0
        while start < self.raw.size:
            if bytes(self.raw.buffer[start : start + 4]) == b"\x0a\x0d\x0d\x0a":
                reason = self._begin_section(start)
                if reason is not None:
                    self.findings.damage = f"damaged at byte {start}: {reason}"
                    return
                start += self._section_header_size
                continue
            end = min(start + REGION_BYTES, self.raw.size)
            stretch = follow(self, start, end)
            for low in range(0, stretch.at.size, CHUNK):
                frames, bad = self._read(stretch.at[low : low + CHUNK])
                if frames is not None:
                    yield frames
                if bad is not None:
                    self.findings.damage = f"damaged at byte {bad[0]}: {bad[1]}"
                    return
            self.raw.forget(start, stretch.next)
            if stretch.next < end and bytes(self.raw.buffer[stretch.next : stretch.next + 4]) != b"\x0a\x0d\x0d\x0a":
                self.findings.damage = self._damage(stretch.next)
                return
            start = stretch.next

    def _begin_section(self, at: int) -> str | None:
        head = bytes(self.raw.buffer[at : at + 16])
        order = section_order(head)
        if order is None:
            return "section header without its byte-order magic"
        size, _, major, minor = struct.unpack_from(order + "IIHH", head + bytes(4), 4)
        if size < 28 or size % 4 or size > MAX_BLOCK or at + size > self.raw.size:
            return f"section header of {size} bytes"
        if major != 1:
            return f"pcapng version {major}.{minor} is not supported"
        self._set_order(order)
        if self._trailer.unpack_from(self.raw.buffer, at + size - 4)[0] != size:
            return "section header whose two lengths differ"
        self._section_header_size = size
        self._base = len(self.findings.interfaces)
        return None

    def _read(self, at: I64) -> tuple[Frames | None, tuple[int, str] | None]:
        """Frames of the blocks at `at`, up to a block that contradicts itself."""
        width = _FRAME_AT + HEAD
        block = self.raw.gather(at, np.dtype(f"V{width}")).view(np.uint8).reshape(at.size, width)
        header = block[:, :_FRAME_AT].view(self._packet)[:, 0]
        kinds = header["type"]
        bad = None
        described_at = np.empty(0, np.int64)
        if not (kinds == ENHANCED_PACKET).all():
            described_at, bad = self._describe(at[(kinds == INTERFACE_DESCRIPTION) | (kinds == DECRYPTION_SECRETS)])
            packets = np.flatnonzero(np.isin(kinds, PACKETS))
            at, header, block = at[packets], header[packets], block[packets]
        frames, problem = self._columns(at, header, block, described_at)
        if problem is not None and (bad is None or problem[0] < bad[0]):
            bad = problem
        if bad is not None:
            frames = frames.pick(slice(int(np.searchsorted(at, bad[0]))))
        return (frames if frames.time_ns.size else None), bad

    def _describe(self, at: I64) -> tuple[I64, tuple[int, str] | None]:
        """Take in interface descriptions and secrets; offsets of the former, and the first that can't be read."""
        described: list[int] = []
        for start in at.tolist():
            kind, size = self._head.unpack_from(self.raw.buffer, start)
            body = bytes(self.raw.buffer[start + 8 : start + size - 4])
            if kind == DECRYPTION_SECRETS:
                secret = read_secrets(body, self._order)
                if secret is None:
                    return np.array(described, np.int64), (start, "decryption secrets longer than their block")
                self.findings.secrets.append(secret)
                continue
            interface = read_interface(body, self._order)
            if isinstance(interface, Interface) and len(self.findings.interfaces) >= _MAX_INTERFACES:
                interface = f"more than {_MAX_INTERFACES} interfaces"
            if isinstance(interface, str):
                return np.array(described, np.int64), (start, interface)
            self.findings.interfaces.append(interface)
            described.append(start)
        return np.array(described, np.int64), None

    def _columns(self, at: I64, header: Array, block: U8, described_at: I64) -> tuple[Frames, tuple[int, str] | None]:
        """Frames of packet blocks, up to one that contradicts itself."""
        kind, size = header["type"], header["size"].astype(np.int64)
        interface, length = header["interface"].astype(np.int64), header["length"].astype(np.int64)
        wire = header["wire"].astype(np.uint32)
        ticks = header["high"].astype(np.uint64) << np.uint64(32) | header["low"]
        offset: Offset = _FRAME_AT
        room = size - 32
        count = len(self.findings.interfaces) - self._base
        known = count - described_at.size + np.searchsorted(described_at, at) if described_at.size else count
        simple = kind == SIMPLE_PACKET
        if not (kind == ENHANCED_PACKET).all():
            old = kind == OBSOLETE_PACKET
            # Its interface is the first two of the four bytes.
            interface[old] = interface[old] >> 16 if self._order == ">" else interface[old] & 0xFFFF
        if simple.any():
            wire[simple] = interface[simple]
            interface[simple] = 0
            offset = np.where(simple, _SIMPLE_FRAME_AT, _FRAME_AT)
            room[simple] = size[simple] - 16
            snaplen = self.findings.interfaces[self._base].snaplen if count > 0 else 0
            length[simple] = np.minimum(wire[simple], room[simple] if snaplen == 0 else snaplen)
        wrong = (interface >= known) | (length > room) | (length > MAX_FRAME) | (room < 0)
        problem = None
        good = at.size
        if wrong.any():
            good = int(wrong.argmax())
            reason = f"frame of {length[good]} bytes in a block of {size[good]}"
            if interface[good] >= np.broadcast_to(known, at.shape)[good]:
                reason = f"packet of interface {interface[good]}, which was not described"
            problem = int(at[good]), reason
        time_ns = self._times(interface[:good], ticks[:good])
        time_ns[simple[:good]] = 0
        self._untimed += int(simple[:good].sum())
        if isinstance(offset, int):
            window = Window(self.raw, (at + offset)[:good], block[:good], _FRAME_AT)
        else:
            window = Window(self.raw, (at + offset)[:good])
        frames = Frames(
            window,
            length[:good].astype(np.uint32),
            wire[:good],
            time_ns,
            (interface[:good] + self._base).astype(np.uint16),
        )
        return frames, problem

    def _times(self, interface: I64, ticks: U64) -> I64:
        out = np.empty(interface.size, np.int64)
        low, high = (int(interface.min()), int(interface.max())) if interface.size else (0, -1)
        for number in [low] if low == high else np.unique(interface).tolist():
            rows = slice(None) if low == high else interface == number
            out[rows] = _ticks_to_ns(ticks[rows], self.findings.interfaces[self._base + number])
        return out

    def following(self, at: I64) -> I64:
        """Where the next block would start; far out where the file ends, a section begins, or a length is absurd."""
        header = self._headers[np.minimum(at, self._last)].view(self._word)
        size = header[1::2].astype(np.int64)
        stop = (size < 12) | (header[0::2] == SECTION_HEADER)
        if stop.any():
            size[stop] = self.raw.size
        size += at
        return size

    def sound(self, at: I64) -> Bools:
        """Whether each block is whole, of a believable length that it repeats at its end, and no section header."""
        header = self.raw.gather(at, self._header)
        size = header["size"].astype(np.int64)
        fits = (size >= 12) & (size & 3 == 0) & (size <= MAX_BLOCK) & (at + size <= self.raw.size)
        trailing = self.raw.gather(at + np.where(fits, size - 4, 0), self._word)
        whole: Bools = fits & (header["type"] != SECTION_HEADER) & (trailing == size)
        return whole

    def walk(self, start: int, end: int) -> tuple[list[int], int]:
        """Follow blocks one by one up to a new section or damage."""
        buffer, limit = self.raw.buffer, self.raw.size
        head, trailer = self._head.unpack_from, self._trailer.unpack_from
        found: list[int] = []
        while start < end and start + 12 <= limit:
            kind, size = head(buffer, start)
            if size < 12 or size & 3 or size > MAX_BLOCK or start + size > limit or kind == SECTION_HEADER:
                break
            if trailer(buffer, start + size - 4)[0] != size:
                break
            found.append(start)
            start += size
        return found, start

    def plausible(self, at: I64) -> I64:
        """For each offset the first block that seems to start within a couple of kilobytes, or -1."""
        at = at + (-at & 3)
        found = np.full(at.size, -1, np.int64)
        for window in _WINDOWS:
            missing = np.flatnonzero(found < 0)
            if not missing.size:
                break
            block = self.raw.gather(at[missing], np.dtype(f"V{window}")).view(self._word).reshape(-1, window // 4)
            kinds, sizes = block[:, :-1], block[:, 1:]
            seems = (kinds == ENHANCED_PACKET) & (sizes >= 32) & (sizes <= MAX_FRAME + 4096) & (sizes & 3 == 0)
            first = seems.argmax(axis=1)
            place = at[missing] + first * 4
            sound = seems[np.arange(missing.size), first] & self.sound(place)
            found[missing] = np.where(sound, place, -1)
        return found

    def _damage(self, at: int) -> str:
        left = self.raw.size - at
        if left < 12:
            return f"truncated at byte {at}: {left} of 12 bytes of a block"
        kind, size = self._head.unpack_from(self.raw.buffer, at)
        if size < 12 or size % 4 or size > MAX_BLOCK:
            return f"damaged at byte {at}: a block of type {kind} and {size} bytes is claimed"
        if size > left:
            return f"truncated at byte {at}: {left} of {size} bytes of a block"
        return f"damaged at byte {at}: a block whose two lengths differ"


def _ticks_to_ns(ticks: np.ndarray, interface: Interface) -> I64:
    exponent = interface.resolution & 0x7F
    if interface.resolution & 0x80:
        seconds = ticks >> np.uint64(exponent)
        fraction = ticks & np.uint64((1 << exponent) - 1)
        if exponent > 33:  # more than 33 bits times 10^9 would not fit; what is cut is far below a nanosecond
            fraction, exponent = fraction >> np.uint64(exponent - 33), 33
        fraction_ns = fraction * np.uint64(10**9) >> np.uint64(exponent)
    else:
        per_second = np.uint64(10**exponent)
        seconds = ticks // per_second
        fraction = ticks - seconds * per_second
        scale = np.uint64(10 ** abs(9 - exponent))
        fraction_ns = fraction * scale if exponent <= 9 else fraction // scale
    bounded = np.minimum(seconds, np.uint64(2**62)).astype(np.int64)
    return nanoseconds(bounded, fraction_ns.astype(np.int64), interface.offset_s)
