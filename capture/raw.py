"""Bytes of a capture, and reading the same few bytes at many offsets of it at once."""

from __future__ import annotations

import mmap
from typing import Any, Final

import numpy as np

from capture.arrays import I64, Array

WIDEST: Final = 2048
"""Most bytes that one gather takes per offset."""


class Raw:
    """Read-only bytes of one source: a mapped file, a decompressed one, or a batch of live frames."""

    __slots__ = ("_end", "_views", "buffer", "path", "size")

    def __init__(self, buffer: bytes | mmap.mmap, path: str = "") -> None:
        self.buffer = buffer
        self.path = path
        self.size = len(buffer)
        self._views: dict[int, Array] = {}
        self._end: tuple[int, Array] | None = None

    def gather(self, at: I64, dtype: np.dtype[Any]) -> Array:
        """The value of type `dtype` at each byte offset in `at` (no alignment needed).

        Bytes past the end read as zero: callers check lengths, and lengths come from untrusted headers.
        """
        width = dtype.itemsize
        limit = self.size - width
        if at.size and (int(at.max()) > limit or int(at.min()) < 0):
            return self._gather_near_end(at, dtype)
        return self._view(width)[at].view(dtype)

    def column(self, dtype: np.dtype[Any], skip: int = 0) -> Array:
        """The value of type `dtype` `skip` bytes behind every offset, as an array that costs nothing until indexed."""
        count = self.size - skip - dtype.itemsize + 1
        return np.ndarray((count,), dtype, self.buffer, skip, (1,)) if count > 0 else np.zeros(1, dtype)

    def _view(self, width: int) -> Array:
        view = self._views.get(width)
        if view is None:
            # One overlapping element per byte offset: indexing copies `width` bytes per offset, in C.
            view = np.ndarray((max(self.size - width + 1, 0),), np.dtype(f"V{width}"), self.buffer, 0, (1,))
            self._views[width] = view
        return view

    def _gather_near_end(self, at: I64, dtype: np.dtype[Any]) -> Array:
        """Gather where some of the places run over the end."""
        width = dtype.itemsize
        if self._end is None:
            start = max(self.size - WIDEST, 0)
            tail = bytes(self.buffer[start : self.size]) + bytes(2 * WIDEST)
            self._end = start, np.frombuffer(tail, np.uint8)
        start, tail_bytes = self._end
        limit = self.size - width
        # Offsets before the start are as good as past the end: nothing but zeros there.
        over = np.flatnonzero((at < 0) | (at > limit))
        rest = np.where(at[over] < 0, self.size, np.minimum(at[over], self.size)) - start
        ends = np.ndarray((tail_bytes.size - width + 1,), np.dtype(f"V{width}"), tail_bytes, 0, (1,))
        if limit < 0:
            only: Array = ends[rest].view(dtype)
            return only
        out: Array = self._view(width)[np.clip(at, 0, limit)]
        out[over] = ends[rest]
        return out.view(dtype)

    def check_size(self) -> None:
        """Make sure that a mapped file still is as long as it was: reading what is gone ends the process (SIGBUS).

        It costs a system call, so it stands before stretches of reading, not before every byte; in between, a file that
        is shortened at that very moment still does harm.

        Raises:
            CaptureError: the file is shorter now.
        """
        if isinstance(self.buffer, mmap.mmap) and self.buffer.size() < self.size:
            from capture.errors import CaptureError

            now = self.buffer.size()
            raise CaptureError(self.path, f"was shortened from {self.size} to {now} bytes while it was open")

    def forget(self, start: int, end: int) -> None:
        """Let go of the memory that holds these bytes of a mapped file; reading them again maps them again."""
        if isinstance(self.buffer, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
            last = end // mmap.PAGESIZE * mmap.PAGESIZE
            if last > first:
                self.buffer.madvise(mmap.MADV_DONTNEED, first, last - first)
