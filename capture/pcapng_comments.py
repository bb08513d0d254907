"""Options of packets in pcapng files: flags, and comments: which are people's, and what our own writer adds.

A packet may have several comments (option 1, `opt_comment`), and so may a section. Those of our writer that say what a
packet is begin with `OURS`; they are made anew from every file and are not read. Any other is somebody's comment, and
becomes a note on its packet. A comment on a section is one on the file, or with `ATTEMPT` and an id on an attempt. What
a node of ours did to a packet on its way is a comment of ours that is read: see `capture.touches`.

Source: draft-ietf-opsawg-pcapng, section Options.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, U8
from capture.direction import KEPT_BITS
from capture.notes import LONGEST_COMMENT
from capture.pcapng_blocks import EPB_FLAGS
from capture.raw import Raw
from capture.touches import MARK as TOUCHED

OURS: Final = "peephole: "
ATTEMPT: Final = "attempt"
MOST_COMMENTS: Final = 100_000
"""Comments on packets that are kept of one file."""

_COMMENT: Final = 1
_FLAGS_BYTES: Final = 4
_MOST_OPTIONS: Final = 32
"""Options of a block that are looked at."""
_ON_ATTEMPT: Final = re.compile(rf"{ATTEMPT} ([0-9a-f]{{16}}): (.+)", re.DOTALL)


def shown_comment(text: str) -> str:
    """A comment as it is written: not taken for one of ours when it is read."""
    return f" {text}" if text.startswith(OURS) else text


def read_comment(value: bytes) -> str:
    """The text of somebody's comment, or of a touch; empty for any other of ours."""
    text = value.decode("utf-8", "replace")
    if text.startswith(OURS):
        return text if text.startswith(TOUCHED) else ""
    return text.strip()[:LONGEST_COMMENT]


def on_attempt(text: str) -> tuple[str, str] | None:
    """Id and text of a comment on an attempt; None if it is on the file."""
    found = _ON_ATTEMPT.fullmatch(text)
    return None if found is None else (found[1], found[2])


class PacketOptions(NamedTuple):
    """What the options of packet blocks say."""

    comments: list[tuple[int, str]]
    """Place of the block, and text, of each comment of somebody's and of each touch, in the order of the blocks."""
    direction: U8
    """Which way each block's packet passed, as `capture.direction.Passage`; 0 where nothing is said of it."""


def packet_options(raw: Raw, at: I64, end: I64, order: str) -> PacketOptions:
    """Comments and flags in the options of packet blocks.

    Args:
        raw: the file.
        at: where the options of each block begin.
        end: one past their last byte.
        order: byte order, struct notation.
    """
    head = np.dtype([("code", f"{order}u2"), ("length", f"{order}u2")])
    found: list[tuple[int, str]] = []
    direction = np.zeros(at.size, np.uint8)
    places = np.flatnonzero(at + 4 <= end)
    at = at[places].copy()
    for _ in range(_MOST_OPTIONS):
        if not places.size:
            break
        option = raw.gather(at, head)
        length = option["length"].astype(np.int64)
        sound = (option["code"] != 0) & (at + 4 + length <= end[places])
        for index in np.flatnonzero(sound & (option["code"] == _COMMENT)).tolist():
            start = int(at[index]) + 4
            text = read_comment(bytes(raw.buffer[start : start + int(length[index])]))
            if text:
                found.append((int(places[index]), text))
        flagged = np.flatnonzero(sound & (option["code"] == EPB_FLAGS) & (length == _FLAGS_BYTES))
        if flagged.size:
            direction[places[flagged]] = raw.gather(at[flagged] + 4, np.dtype(f"{order}u4")) & KEPT_BITS
        at = (at + 4 + length + (-length & 3))[sound]
        places = places[sound]
        more = at + 4 <= end[places]
        at, places = at[more], places[more]
    found.sort(key=lambda one: one[0])
    return PacketOptions(found, direction)
