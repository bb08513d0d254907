"""A column that grows with the packet table."""

from __future__ import annotations

from typing import Any

import numpy as np

from capture.arrays import Array


class Grown:
    """Values for the rows so far; room doubles, so that adding rows stays cheap."""

    def __init__(self, dtype: type[np.generic], empty: int) -> None:
        self._stored: Array = np.empty(0, dtype)
        self._empty: Any = empty
        self.rows = 0

    def reach(self, rows: int) -> Array:
        """Add rows without a value, up to `rows` of them; gives those that are new."""
        start, self.rows = self.rows, rows
        if rows > self._stored.size:
            room = rows if not start else max(rows, 2 * self._stored.size)
            moved = np.empty(room, self._stored.dtype)
            moved[:start] = self._stored[:start]
            self._stored = moved
        self._stored[start:rows] = self._empty
        return self._stored[start:rows]

    @property
    def values(self) -> Array:
        """The values, one for each row."""
        return self._stored[: self.rows]
