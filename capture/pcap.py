"""Reading pcap files (libpcap's savefile format).

File header, 24 bytes: magic u32, version u16 u16 (2.x), zone i32, sigfigs u32, snaplen u32, linktype u32 (lower 16
bits; bits 28 to 31: length of the frame check sequence in 16-bit units, bit 26: that length is given). Record header,
16 bytes: seconds u32, fraction u32 (micro- or nanoseconds by magic), captured length u32, wire length u32; the patched
kernels' variant (magic 0xa1b2cd34) adds 8 bytes. All integers in the byte order of the machine that wrote the file,
which the magic shows.

Source: draft-ietf-opsawg-pcap; the modified variant: wiretap/libpcap.c of Wireshark.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np

from capture.arrays import I64, Bools
from capture.chain import follow
from capture.errors import CaptureError
from capture.frames import CHUNK, MAX_FRAME, REGION_BYTES, Findings, Frames, Interface, nanoseconds
from capture.raw import Raw
from capture.window import HEAD, Window

FILE_HEADER: Final = 24
MICROSECONDS: Final = 0xA1B2C3D4
NANOSECONDS: Final = 0xA1B23C4D
MODIFIED: Final = 0xA1B2CD34
_WINDOWS: Final = (512, 2048, 2048, 2048)
_YEAR_S: Final = 366 * 86400


def is_pcap(head: bytes) -> bool:
    """Whether a file that starts with these four bytes is a pcap file."""
    return _order(head) is not None


def _order(head: bytes) -> tuple[str, int] | None:
    for order in "<>":
        if len(head) >= 4:
            magic = int(struct.unpack(order + "I", head[:4])[0])
            if magic in (MICROSECONDS, NANOSECONDS, MODIFIED):
                return order, magic
    return None


class PcapReader:
    """Frames of one pcap file."""

    def __init__(self, raw: Raw, path: str) -> None:
        """Read the file header.

        Raises:
            CaptureError: not a pcap file, cut within its header, or of another major version.
        """
        head = bytes(raw.buffer[:FILE_HEADER])
        found = _order(head)
        if found is None:
            raise CaptureError(path, "not a pcap file", 0)
        if len(head) < FILE_HEADER:
            raise CaptureError(path, f"pcap header cut short ({len(head)} of {FILE_HEADER} bytes)", len(head))
        order, magic = found
        _, major, minor, _, _, snaplen, linktype = struct.unpack(order + "IHHiIII", head)
        if major != 2:
            raise CaptureError(path, f"pcap version {major}.{minor} is not supported", 4)
        self.findings = Findings("pcap", [Interface(linktype & 0xFFFF, snaplen=snaplen)])
        self._tick_ns = 1 if magic == NANOSECONDS else 1000
        self._header = 24 if magic == MODIFIED else 16
        self._length = struct.Struct(order + "I")
        self._order = order
        self._word = np.dtype(order + "u4")
        self._half = np.dtype(order + "u2")
        self._fields = np.dtype([(name, self._word) for name in ("seconds", "fraction", "length", "wire")])
        self._start, self._number, self._before = FILE_HEADER, 1, 0
        self._look_at(raw)

    def _look_at(self, raw: Raw) -> None:
        self.raw = raw
        self._last = max(raw.size - 12, 0)
        # Of any place in the file, what would be the captured length were it the start of a record.
        self._lengths = raw.column(self._word, 8)
        self._first_s = 0
        if raw.size >= self._start + 4:
            self._first_s = int(self._length.unpack(raw.buffer[self._start : self._start + 4])[0])

    def go_on(self, raw: Raw) -> None:
        """Have `batches` read more of the same capture: what follows the last whole record."""
        rest = self.findings.rest
        self._before += self.raw.size if rest is None else rest
        self._start = 0
        self.findings.damage = self.findings.rest = None
        self._look_at(raw)

    def batches(self) -> Iterator[Frames]:
        """All frames up to the end of the file or the first damage, which `findings.damage` then describes."""
        start = self._start
        while start < self.raw.size:
            end = min(start + REGION_BYTES, self.raw.size)
            stretch = follow(self, start, end)
            for low in range(0, stretch.at.size, CHUNK):
                yield self._frames(stretch.at[low : low + CHUNK], self._number + low)
            self._number += stretch.at.size
            self.raw.forget(start, stretch.next)
            if stretch.next < end:
                self.findings.damage = self._damage(stretch.next)
                return
            start = stretch.next

    def _frames(self, at: I64, first: int) -> Frames:
        width = self._header + HEAD
        block = self.raw.gather(at, np.dtype(f"V{width}")).view(np.uint8).reshape(at.size, width)
        fields = block[:, :16].view(self._fields)[:, 0]
        time_ns = nanoseconds(fields["seconds"].astype(np.int64), fields["fraction"].astype(np.int64) * self._tick_ns)
        return Frames(
            Window(self.raw, at + self._header, block, self._header),
            fields["length"].astype(np.uint32),
            fields["wire"].astype(np.uint32),
            time_ns,
            np.zeros(at.size, np.uint16),
            np.arange(first, first + at.size),
        )

    def following(self, at: I64) -> I64:
        """Where the next record would start; far out if the file ends before."""
        size: I64 = self._lengths[np.minimum(at, self._last)] + at
        size += self._header
        return size

    def sound(self, at: I64, size: I64) -> Bools:
        """Whether each record is whole and of a believable length."""
        whole: Bools = (size <= MAX_FRAME + self._header) & (at + size <= self.raw.size)
        return whole

    def walk(self, start: int, end: int) -> tuple[list[int], int]:
        """Follow records one by one."""
        buffer, header, unpack = self.raw.buffer, self._header, self._length.unpack_from
        last = self.raw.size - header
        found: list[int] = []
        while start < end and start <= last:
            length: int = unpack(buffer, start + 8)[0]
            if length > MAX_FRAME or start + length > last:
                break
            found.append(start)
            start += header + length
        return found, start

    def plausible(self, at: I64) -> I64:
        """For each offset the first record header that seems to start within a couple of kilobytes, or -1."""
        found = np.full(at.size, -1, np.int64)
        at = at.copy()
        for window in _WINDOWS:
            missing = np.flatnonzero(found < 0)
            if not missing.size:
                break
            hit = self._first_time(at[missing], window)
            good = (hit >= 0) & self._seems(hit) & self._seems(self.following(np.maximum(hit, 0)))
            found[missing] = np.where(good, hit, -1)
            at[missing] = np.where(hit >= 0, hit + 1, at[missing] + window - 8)
        return found

    def _first_time(self, at: I64, window: int) -> I64:
        """The first place in each window where the upper half of a time near the first one stands, or -1."""
        high = 2 if self._order == "<" else 0
        best = np.full(at.size, window, np.int64)
        for shift in (0, 1):
            halves = self.raw.gather(at + shift, np.dtype(f"V{window}")).view(self._half).reshape(at.size, -1)
            hit = halves == self._first_s >> 16
            hit[:, 0] &= high == 0
            first = hit.argmax(axis=1)
            np.minimum(best, np.where(hit[np.arange(at.size), first], first * 2 + shift - high, window), out=best)
        return np.where(best < window, at + best, -1)

    def _seems(self, at: I64) -> Bools:
        """Whether a record header that makes sense is at each offset, or the end of the file."""
        head = self.raw.gather(at, self._fields)
        length, wire = head["length"], head["wire"]
        fits = (length <= wire) & (wire <= MAX_FRAME) & (head["fraction"] < 10**9 // self._tick_ns) & (length > 0)
        near = np.abs(head["seconds"].astype(np.int64) - self._first_s) < _YEAR_S
        seems: Bools = (fits & near) | (at == self.raw.size)
        return seems

    def _damage(self, at: int) -> str:
        left, place = self.raw.size - at, self._before + at
        if left < self._header:
            self.findings.rest = at
            return f"truncated at byte {place}: {left} of {self._header} bytes of a record header"
        length = self._length.unpack_from(self.raw.buffer, at + 8)[0]
        if length > MAX_FRAME:
            return f"damaged at byte {place}: a frame of {length} bytes is claimed, more than {MAX_FRAME}"
        self.findings.rest = at
        return f"truncated at byte {place}: {left - self._header} of {length} bytes of a frame"
