"""Telling the C library to keep freed memory for the next chunk of a capture."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_KEPT: Final = 64 << 20
_LARGEST: Final = 32 << 20
"""glibc accepts no higher threshold."""


@cache
def keep_freed_memory() -> bool:
    """Let arrays of some megabytes reuse memory that was just freed; whether the C library can do that.

    glibc gives each such array back to the system when it is freed. A reader that makes a dozen of them for every ten
    thousand packets then spends a quarter of its time on getting the same pages again.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_M_MMAP_THRESHOLD, _LARGEST) and mallopt(_M_TRIM_THRESHOLD, _KEPT))
