"""The bytes of a run of frames, read at the same place in all of them at once.

The first bytes of all frames are copied side by side when the run is made, in the one pass that has to fetch them from
memory; headers are then columns of that copy. What lies further in, or at places that differ, is gathered on demand.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from capture.arrays import I64, U8, Array, Rows
from capture.raw import Raw

HEAD: Final = 100
"""Bytes of each frame that are copied: enough for link, IP and UDP headers and the start of an envelope."""

Offset = int | I64
"""A place in every frame of a run: the same in all, or one for each."""


class Window:
    """Frames of one source; offsets count from the first byte of each frame."""

    __slots__ = ("at", "block", "lead", "raw")

    def __init__(self, raw: Raw, at: I64, block: U8 | None = None, lead: int = 0) -> None:
        """Make a window.

        Args:
            raw: where the frames are.
            at: offset of each frame in it.
            block: rows of at least `lead` + `HEAD` bytes, of which the first `lead` precede the frame; copied here
                if absent.
            lead: see `block`.
        """
        if block is None:
            block, lead = raw.gather(at, np.dtype(f"V{HEAD}")).view(np.uint8).reshape(at.size, HEAD), 0
        self.raw = raw
        self.at = at
        self.block = block
        self.lead = lead

    def pick(self, rows: Rows) -> Window:
        """Some of the frames."""
        width = self.block.shape[1]
        whole = self.block.view(f"V{width}")[:, 0]
        return Window(self.raw, self.at[rows], whole[rows].view(np.uint8).reshape(-1, width), self.lead)

    def read(self, offset: Offset, dtype: np.dtype[Any]) -> Array:
        """The value of type `dtype` at `offset` in every frame; zeros past the end of the source."""
        if isinstance(offset, int):
            start = self.lead + offset
            if start + dtype.itemsize <= self.block.shape[1]:
                return self.block[:, start : start + dtype.itemsize].view(dtype)[:, 0]
        return self.raw.gather(self.at + offset, dtype)

    def read_some(self, rows: I64, offset: Offset, dtype: np.dtype[Any]) -> Array:
        """The value at `offset`, or each at its own, in some frames; zeros past the end of the source."""
        width = self.block.shape[1]
        last = width - self.lead - dtype.itemsize
        if isinstance(offset, int):
            if offset > last:
                return self.raw.gather(self.at[rows] + offset, dtype)
            if dtype.itemsize == 1:
                return self.block[:, self.lead + offset][rows].view(dtype)
        elif rows.size and int(offset.max()) > last:
            return self._read_far(rows, offset, dtype, last)
        size = self.block.size - dtype.itemsize + 1
        everywhere = np.ndarray((max(size, 0),), f"V{dtype.itemsize}", self.block, 0, (1,))
        found: Array = everywhere[rows * width + (self.lead + offset)].view(dtype)
        return found

    def _read_far(self, rows: I64, offset: I64, dtype: np.dtype[Any], last: int) -> Array:
        out = np.empty(rows.size, dtype)
        far = offset > last
        near = np.flatnonzero(~far)
        out[near] = self.read_some(rows[near], offset[near], dtype)
        out[far] = self.raw.gather(self.at[rows[far]] + offset[far], dtype)
        return out


def part(offset: Offset, rows: Rows) -> Offset:
    """The places for some frames."""
    return offset if isinstance(offset, int) else offset[rows]
