"""Bytes of live frames that no row points to: TCP and whatever else was captured beside UDP is not kept."""

from __future__ import annotations

from typing import Final

import numpy as np

from capture.raw import Raw
from capture.table import PacketTable

SPARED: Final = 4096
"""A segment with so few bytes that nobody needs stays as it is."""


def shed(table: PacketTable, first: int) -> None:
    """Keep of the last segment the frames of rows alone, if they are less than half of it.

    Args:
        table: where the rows are. Nothing but rows may point to its last segment: no fragment that waits for others.
        first: the first row that may.
    """
    raw = table.segments[-1]
    rows = np.flatnonzero(table.segment[first:] == len(table.segments) - 1) + first
    sizes = table.frame_length[rows].astype(np.int64)
    used = int(sizes.sum())
    if raw.size - used < max(SPARED, used):
        return
    at = table.frame_at[rows]
    buffer = raw.buffer
    kept = b"".join([buffer[start:end] for start, end in zip(at.tolist(), (at + sizes).tolist(), strict=True)])
    table.segments[-1] = Raw(kept, raw.path)
    table.stored("frame_at")[rows] = np.cumsum(sizes) - sizes
