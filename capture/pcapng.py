"""Reading pcapng files: any number of sections, each with its byte order and interfaces.

Enhanced packet block (6): interface u32, time u32 u32 (high, low; ticks of the interface), captured length u32, wire
length u32, frame, options. The obsolete packet block (2) has interface u16 and drops u16 instead of interface u32. The
simple packet block (3) has the wire length only, no time, and belongs to interface 0. Layouts of the other blocks are
in `capture.pcapng_blocks`; those that are of no concern here are stepped over, and counted where Wireshark shows them
as frames.

Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from capture.arrays import I64, U8, U64, Array, distinct
from capture.chain import follow
from capture.errors import CaptureError
from capture.frames import CHUNK, MAX_FRAME, REGION_BYTES, Findings, Frames, Interface, nanoseconds
from capture.pcapng_blocks import (
    DECRYPTION_SECRETS,
    ENHANCED_PACKET,
    INTERFACE_DESCRIPTION,
    INTERFACE_STATISTICS,
    MAX_BLOCK,
    OBSOLETE_PACKET,
    OPTION_COMMENT,
    OTHER_FRAMES,
    PACKETS,
    SIMPLE_PACKET,
    options,
    read_interface,
    read_secrets,
    read_statistics,
    section_order,
    section_size,
)
from capture.pcapng_chain import BlockChain
from capture.raw import Raw
from capture.window import HEAD, Offset, Window

_FRAME_AT: Final = 28
_SIMPLE_FRAME_AT: Final = 12
_SECTION_SIZE: Final = 28
"""Bytes of a section header without options."""
_SECTION_OPTIONS_AT: Final = 24
_MAX_INTERFACES: Final = 0xFFFF
_COMMON: Final = range(1, 12)


class PcapngReader:
    """Frames of one pcapng file."""

    def __init__(self, raw: Raw, path: str) -> None:
        """Look at the first section header.

        Raises:
            CaptureError: not a pcapng file, or its first section header can't be read.
        """
        head = bytes(raw.buffer[:28])
        if head[:4] != b"\x0a\x0d\x0d\x0a":
            raise CaptureError(path, "not a pcapng file", 0)
        if len(head) < 28:
            raise CaptureError(path, f"section header cut short ({len(head)} of 28 bytes)", len(head))
        if section_order(head) is None:
            raise CaptureError(path, "section header without its byte-order magic", 8)
        self.raw = raw
        self.findings = Findings("pcapng", [])
        self._layouts: dict[str, tuple[BlockChain, np.dtype[Any], struct.Struct]] = {}
        self._base = 0
        self._untimed = 0
        self._frames = 0
        self._before = 0
        self._set_order("<")
        damage = self._begin_section(0)
        if damage is not None:
            raise CaptureError(path, damage, 0)

    def _set_order(self, order: str) -> None:
        self._order = order
        if order not in self._layouts:
            names = ("type", "size", "interface", "high", "low", "length", "wire")
            packet = np.dtype([(name, order + "u4") for name in names])
            self._layouts[order] = BlockChain(self.raw, order), packet, struct.Struct(order + "II")
        self._chain, self._packet, self._head = self._layouts[order]

    def go_on(self, raw: Raw) -> None:
        """Have `batches` read more of the same capture: what follows the last whole block."""
        rest = self.findings.rest
        self._before += self.raw.size if rest is None else rest
        self.findings.damage = self.findings.rest = None
        self.raw = raw
        self._layouts.clear()
        self._set_order(self._order)

    def batches(self) -> Iterator[Frames]:
        """All frames up to the end of the file or the first damage, which `findings.damage` then describes."""
        yield from self._batches()
        if self._untimed:
            self.findings.notes.append(f"{self._untimed} simple packet blocks carry no time")

    def _batches(self) -> Iterator[Frames]:
        start = 0
        while start < self.raw.size:
            if bytes(self.raw.buffer[start : start + 4]) == b"\x0a\x0d\x0d\x0a":
                reason = self._cut_section(start) or self._begin_section(start)
                if reason is not None:
                    self.findings.damage = f"damaged at byte {self._before + start}: {reason}"
                    return
                start += self._section_header_size
                continue
            end = min(start + REGION_BYTES, self.raw.size)
            stretch = follow(self._chain, start, end)
            for low in range(0, stretch.at.size, CHUNK):
                frames, bad = self._read(stretch.at[low : low + CHUNK])
                if frames is not None:
                    yield frames
                if bad is not None:
                    self.findings.damage = f"damaged at byte {self._before + bad[0]}: {bad[1]}"
                    return
            self.raw.forget(start, stretch.next)
            if stretch.next < end and bytes(self.raw.buffer[stretch.next : stretch.next + 4]) != b"\x0a\x0d\x0d\x0a":
                self.findings.damage = self._damage(stretch.next)
                return
            start = stretch.next

    def _cut_section(self, at: int) -> str | None:
        """What is missing of the section header there; None if it is whole, or not one that makes sense."""
        left = self.raw.size - at
        size = section_size(bytes(self.raw.buffer[at : at + 12]))
        if left >= size or size > MAX_BLOCK:
            return None
        self.findings.rest = at
        return f"section header cut short ({left} of {size} bytes)"

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
        if struct.unpack_from(order + "I", self.raw.buffer, at + size - 4)[0] != size:
            return "section header whose two lengths differ"
        if size > _SECTION_SIZE:
            from capture.pcapng_comments import read_comment

            body = bytes(self.raw.buffer[at + _SECTION_OPTIONS_AT : at + size - 4])
            for code, value in options(body, order):
                if code == OPTION_COMMENT and (text := read_comment(value)):
                    self.findings.hear().hear_of_all(text)
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
        number = np.arange(self._frames + 1, self._frames + at.size + 1)
        secrets_at = others_at = statistics_at = described_at
        if not (kinds == ENHANCED_PACKET).all():
            described_at, secrets_at, bad = self._describe(
                at[(kinds == INTERFACE_DESCRIPTION) | (kinds == DECRYPTION_SECRETS)]
            )
            statistics_at = at[kinds == INTERFACE_STATISTICS]
            packet, other = np.isin(kinds, PACKETS), np.isin(kinds, OTHER_FRAMES)
            number, others_at = self._frames + np.cumsum(packet | other)[packet], at[other]
            at, header, block = at[packet], header[packet], block[packet]
        frames, problem = self._columns(at, header, block, described_at, number)
        if problem is not None and (bad is None or problem[0] < bad[0]):
            bad = problem
        if bad is not None:
            frames = frames.pick(slice(int(np.searchsorted(at, bad[0]))))
            others_at = others_at[others_at < bad[0]]
            statistics_at = statistics_at[statistics_at < bad[0]]
            self._forget_behind(bad[0], described_at, secrets_at)
        self._count_dropped(statistics_at)
        frames = self._hear(at[: frames.number.size], header[: frames.number.size], frames)
        self._frames += frames.number.size + others_at.size
        self.findings.others += others_at.size
        return (frames if frames.time_ns.size else None), bad

    def _describe(self, at: I64) -> tuple[I64, I64, tuple[int, str] | None]:
        """Take in interface descriptions and secrets: offsets of both, and the first that can't be read."""
        described: list[int] = []
        secrets: list[int] = []
        bad = None
        for start in at.tolist():
            kind, size = self._head.unpack_from(self.raw.buffer, start)
            body = bytes(self.raw.buffer[start + 8 : start + size - 4])
            found = read_secrets(body, self._order) if kind == DECRYPTION_SECRETS else read_interface(body, self._order)
            if isinstance(found, Interface) and len(self.findings.interfaces) >= _MAX_INTERFACES:
                found = f"more than {_MAX_INTERFACES} interfaces"
            if isinstance(found, str):
                bad = start, found
                break
            if isinstance(found, Interface):
                self.findings.interfaces.append(found)
                described.append(start)
            else:
                self.findings.secrets.append(found)
                secrets.append(start)
        return np.array(described, np.int64), np.array(secrets, np.int64), bad

    def _count_dropped(self, at: I64) -> None:
        """Take in what interface statistics say of lost packets; later ones count all that earlier ones did."""
        for start in at.tolist():
            _, size = self._head.unpack_from(self.raw.buffer, start)
            found = read_statistics(bytes(self.raw.buffer[start + 8 : start + size - 4]), self._order)
            if found is None:
                self.findings.notes.append(f"interface statistics of {size} bytes say nothing")
            elif found[1] is not None:
                self.findings.dropped[self._base + found[0]] = found[1]

    def _hear(self, at: I64, header: Array, frames: Frames) -> Frames:
        """Take in what people say of packets; the frames with which way they passed, as far as their blocks tell."""
        start = at + _FRAME_AT + (header["length"].astype(np.int64) + 3 & ~3)
        end = at + header["size"].astype(np.int64) - 4
        some = np.flatnonzero((header["type"] == ENHANCED_PACKET) & (start + 4 <= end))
        if not some.size:
            return frames
        from capture.pcapng_comments import packet_options

        said = packet_options(self.raw, start[some], end[some], self._order)
        for place, text in said.comments:
            self.findings.hear().hear(int(frames.number[some[place]]), text)
        if not said.direction.any():
            return frames
        direction = np.zeros(at.size, np.uint8)
        direction[some] = said.direction
        return frames._replace(direction=direction)

    def _forget_behind(self, damage: int, described_at: I64, secrets_at: I64) -> None:
        """Take back what was taken in from behind a block that turned out to be damaged."""
        for kept, at in ((self.findings.interfaces, described_at), (self.findings.secrets, secrets_at)):
            behind = int((at > damage).sum())
            del kept[len(kept) - behind :]

    def _columns(
        self, at: I64, header: Array, block: U8, described_at: I64, number: I64
    ) -> tuple[Frames, tuple[int, str] | None]:
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
            number[:good],
        )
        return frames, problem

    def _times(self, interface: I64, ticks: U64) -> I64:
        out = np.empty(interface.size, np.int64)
        low, high = (int(interface.min()), int(interface.max())) if interface.size else (0, -1)
        for number in [low] if low == high else distinct(interface).tolist():
            rows = slice(None) if low == high else interface == number
            out[rows] = _ticks_to_ns(ticks[rows], self.findings.interfaces[self._base + number])
        return out

    def _damage(self, at: int) -> str:
        left, place = self.raw.size - at, self._before + at
        if left < 12:
            self.findings.rest = at
            return f"truncated at byte {place}: {left} of 12 bytes of a block"
        kind, size = self._head.unpack_from(self.raw.buffer, at)
        if size < 12 or size % 4 or size > MAX_BLOCK:
            return f"damaged at byte {place}: a block of type {kind} and {size} bytes is claimed"
        if size > left:
            self.findings.rest = at
            return f"truncated at byte {place}: {left} of {size} bytes of a block"
        return f"damaged at byte {place}: a block whose two lengths differ"


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
