"""Which of the newest rows of a live source show a datagram of an earlier row again."""

from __future__ import annotations

from typing import Final

import numpy as np

from capture.candidates import FORWARD_WINDOW_NS
from capture.capture_file import CaptureFile
from capture.duplicates import mark_copies
from capture.table import PacketTable

_LOOK_BACK_ROWS: Final = 1 << 17


def mark_new_copies(table: PacketTable, file: CaptureFile, first_new: int, first_row: int = 0) -> None:
    """Look for what the rows from `first_new` on copy among those of the moments before, and count it.

    Args:
        table: where the rows are.
        file: the source that the new ones came from.
        first_new: the first new row.
        first_row: the first row of that source.
    """
    if first_new == len(table):
        return
    recent = max(first_row, first_new - _LOOK_BACK_ROWS)
    known = table.time_ns[recent:first_new]
    start = recent + int(np.searchsorted(known, table.time_ns[first_new] - FORWARD_WINDOW_NS))
    file.duplicates += mark_copies(table, start, len(table), first_new, file.knowledge)
