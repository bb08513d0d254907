"""How the blocks of one pcapng section chain.

Block: type u32, total length u32, body, total length again, in the byte order of the section. A section header ends the
chain: what follows may be in the other byte order.

Source: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

from capture.arrays import I64, Bools
from capture.frames import MAX_FRAME
from capture.pcapng_blocks import ENHANCED_PACKET, MAX_BLOCK, SECTION_HEADER
from capture.raw import Raw

_WINDOWS: Final = (512, 2048)


class BlockChain:
    """Blocks of one byte order; see `capture.chain.Records`."""

    def __init__(self, raw: Raw, order: str) -> None:
        """Make a chain.

        Args:
            raw: the file.
            order: byte order in struct notation.
        """
        self.raw = raw
        self._word = np.dtype(order + "u4")
        self._header = np.dtype([("type", self._word), ("size", self._word)])
        self._head = struct.Struct(order + "II")
        self._trailer = struct.Struct(order + "I")
        self._headers = raw.column(np.dtype("V8"))
        self._last = max(raw.size - 8, 0)

    def following(self, at: I64) -> I64:
        """Where the next block would start; far out where the file ends, a section begins, or a length is absurd."""
        header = self._headers[np.minimum(at, self._last)].view(self._word)
        size = header[1::2].astype(np.int64)
        stop = (size < 12) | (header[0::2] == SECTION_HEADER)
        if stop.any():
            size[stop] = self.raw.size
        size += at
        return size

    def sound(self, at: I64, size: I64) -> Bools:
        """Whether each block is whole, of a believable length that it repeats at its end, and no section header."""
        fits = (size & 3 == 0) & (size <= MAX_BLOCK) & (at + size <= self.raw.size)
        trailing = self.raw.gather(at + np.where(fits, size - 4, 0), self._word)
        whole: Bools = fits & (trailing == size)
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
            sound = seems[np.arange(missing.size), first] & self.sound(place, self.following(place) - place)
            found[missing] = np.where(sound, place, -1)
        return found
