"""The layout of a recording: a CBOR sequence (RFC 8742) of items, each an array of kind, checksum and body.

| item | bytes |
|---|---|
| first | tag 55799 (`d9 d9f7`), then as any other; its kind is `HEADER` |
| any | array of 3: kind uint, CRC-32 of the body uint, body byte string |
| body | one CBOR item: a map with text keys |

An item says how long it is before anything else that may be wrong, so one that was damaged inside can be stepped over.
docs/recordings.md has the keys of every body.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

FORMAT: Final = "peephole recording"
VERSION: Final = 1
"""Changes only when a reader of this version would misread what is written."""
MAGIC: Final = b"\xd9\xd9\xf7"
"""Tag 55799, "self-described CBOR": how a recording begins."""
MAGIC_TAG: Final = 55799

UINT8: Final = 64
UINT16: Final = 69
UINT32: Final = 70
UINT64: Final = 71
SINT64: Final = 79
"""Tags of arrays of little-endian numbers in a byte string (RFC 8746)."""

MOST_SOURCES: Final = 0xFFFF
MOST_INTERFACES: Final = 0xFFFF
BATCH: Final = 8192
"""Frames that are written as one item; readers take any number."""


class Item(IntEnum):
    """Kinds of items."""

    HEADER = 0
    SOURCE = 1
    FRAMES = 2
    COUNTS = 3
    SECRETS = 4
    NOTES = 5
    NAMES = 6
    END = 7
    TOUCHES = 8
