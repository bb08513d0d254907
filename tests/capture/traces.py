"""Looking for many values at once in what was written: their bytes, and their digits in text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

_HEAD = 8
"""Bytes by which long values are looked up."""


def bytes_in(content: bytes, values: Iterable[bytes]) -> list[bytes]:
    """Those of the values that are somewhere in the content."""
    by_size: dict[int, list[bytes]] = defaultdict(list)
    found = []
    for value in set(values):
        if len(value) in (1, 2, 3, 5, 6, 7):
            found += [value] * (value in content)
        elif value:
            by_size[4 if len(value) == 4 else _HEAD].append(value)
    for size, sized in by_size.items():
        if len(content) < size:
            continue
        kind = np.dtype(f"<u{size}")
        heads = np.frombuffer(b"".join(value[:size] for value in sized), kind)
        at_any_place = np.lib.stride_tricks.sliding_window_view(np.frombuffer(content, np.uint8), size)
        windows = np.ascontiguousarray(at_any_place).view(kind)[:, 0]
        there = set(heads[np.isin(heads, windows)].tolist())
        found += [value for value in sized if int.from_bytes(value[:size], "little") in there and value in content]
    return sorted(found)


def words_in(content: bytes, words: Iterable[bytes]) -> list[bytes]:
    """Those of the words, of small letters and digits, that are somewhere in the content, written small or large."""
    wanted = set(words)
    shortest = min(map(len, wanted), default=1)
    runs = b"\n".join(set(re.findall(rb"[0-9a-z]{%d,}" % shortest, content.lower())))
    return sorted(word for word in wanted if word in runs)
