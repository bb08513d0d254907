"""Decompressing gzip captures, as far as they go."""

from __future__ import annotations

import mmap
import zlib
from typing import Final, NamedTuple

from capture.errors import CaptureError

MAX_DECOMPRESSED: Final = 8 << 30
"""Bytes a compressed capture may unfold to."""
_STEP: Final = 1 << 16


class Unfolded(NamedTuple):
    """Decompressed bytes, and what was wrong behind them."""

    buffer: bytes
    damage: str | None


def unfold(buffer: bytes | mmap.mmap, path: str) -> Unfolded:
    """Decompress gzip, several members too, up to the first damage.

    Raises:
        CaptureError: nothing can be decompressed, or it is more than `MAX_DECOMPRESSED`.
    """
    parts: list[bytes] = []
    size = at = 0
    damage = None
    while at < len(buffer) and damage is None:
        if buffer[at : at + 2] != b"\x1f\x8b":
            if any(buffer[at:]):
                damage = f"bytes after the gzip data at byte {at} of the compressed file"
            break
        inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        while not inflate.eof and damage is None:
            step = buffer[at : at + _STEP]
            if not step:
                damage = f"gzip data truncated at byte {at} of the compressed file"
                break
            before = inflate.copy()
            try:
                piece = inflate.decompress(step)
            except zlib.error:
                piece, good = _up_to_damage(before, step)
                damage = f"gzip data damaged at about byte {at + good} of the compressed file"
            parts.append(piece)
            size += len(piece)
            if size > MAX_DECOMPRESSED:
                raise CaptureError(path, f"unfolds to more than {MAX_DECOMPRESSED} bytes")
            at += len(step) - len(inflate.unused_data)
    if damage is not None and not size:
        raise CaptureError(path, damage)
    return Unfolded(b"".join(parts), damage)


def _up_to_damage(inflate: zlib._Decompress, step: bytes) -> tuple[bytes, int]:
    """What a step with damage in it gives before that, and how many of its bytes were good."""
    parts: list[bytes] = []
    for at in range(len(step)):
        try:
            parts.append(inflate.decompress(step[at : at + 1]))
        except zlib.error:
            return b"".join(parts), at
    return b"".join(parts), len(step)
