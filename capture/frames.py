"""Frames of a capture file in columns, before anything above the record layer is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np

from capture.arrays import I64, U8, U16, U32, Rows
from capture.raw import Raw
from capture.window import Window

if TYPE_CHECKING:
    from capture.said import Said

MAX_FRAME: Final = 262_144
"""Longest frame that libpcap and Wireshark write or accept; a longer one means that the file is damaged."""
REGION_BYTES: Final = 8 << 20
"""Bytes of a file worked on at a time; what is behind is let go, so that memory does not grow with the file."""
MAX_TIME_NS: Final = 2**63 - 1


CHUNK: Final = 1 << 15
"""Frames worked on at a time: few enough for the columns in the making to stay in the processor's cache."""


class Frames(NamedTuple):
    """A run of frames in file order; all columns have the same length."""

    window: Window
    """Their bytes."""
    length: U32
    """Bytes captured."""
    wire_length: U32
    """Bytes on the wire."""
    time_ns: I64
    interface: U16
    number: I64
    """From 1 in the file."""
    direction: U8 | None = None
    """Which way they passed (`capture.direction`), where that is told beside them; None: of none of them."""

    def pick(self, rows: Rows) -> Frames:
        """Some of these frames."""
        columns = (None if column is None else column[rows] for column in self[1:])
        return Frames(self.window.pick(rows), *columns)  # type: ignore[arg-type]


class Interface(NamedTuple):
    """Where frames of a file were captured: one per pcap file, one per interface description block of a pcapng."""

    linktype: int
    name: str = ""
    snaplen: int = 0
    resolution: int = 6
    """`if_tsresol`: bit 7 clear: 10^-n seconds a tick; set: 2^-n (n the other bits)."""
    offset_s: int = 0
    """`if_tsoffset`, seconds to add."""
    comment: str = ""
    """What the capture itself says of it."""


class SecretsBlock(NamedTuple):
    """A decryption secrets block of a pcapng."""

    type: int
    """What kind of secrets; `capture.keylog.SECRETS_TYPE` for a key log of ours."""
    data: bytes


class Findings:
    """What a reader learned of a file besides its frames.

    Attributes:
        format: ``pcap`` or ``pcapng``.
        interfaces: as they were described.
        secrets: decryption secrets blocks of any type.
        notes: other things worth telling, one sentence each.
        others: records without a packet that count as frames nevertheless.
        dropped: how many packets each interface lost by what the file says, by its index.
        said: what people say of the packets; None where nobody does.
        damage: why reading stopped before the end, with the byte offset.
        rest: where the record starts whose end is not among the bytes, if that is the damage; more may come of a
            capture that is still being written.
    """

    __slots__ = ("damage", "dropped", "format", "interfaces", "notes", "others", "rest", "said", "secrets")

    def __init__(self, format: str, interfaces: list[Interface]) -> None:
        self.format = format
        self.interfaces = interfaces
        self.secrets: list[SecretsBlock] = []
        self.notes: list[str] = []
        self.others = 0
        self.dropped: dict[int, int] = {}
        self.said: Said | None = None
        self.damage: str | None = None
        self.rest: int | None = None

    def hear(self) -> Said:
        """Where to put what people say."""
        if self.said is None:
            from capture.said import Said

            self.said = Said()
        return self.said


class FrameReader(Protocol):
    """A capture file format."""

    raw: Raw
    findings: Findings

    def batches(self) -> Iterator[Frames]:
        """All frames in file order, at most `CHUNK` at a time."""

    def go_on(self, raw: Raw) -> None:
        """Have `batches` read more of the same capture: what follows the last whole record."""


def nanoseconds(seconds: I64, fraction_ns: I64, offset_s: int = 0) -> I64:
    """Epoch nanoseconds; times beyond what 64 bits hold (years 1677 to 2262) stay at the limit.

    Args:
        seconds: whole seconds, not negative.
        fraction_ns: 0 to 2^33, added.
        offset_s: seconds to add.
    """
    most = MAX_TIME_NS // 10**9 - 8
    if offset_s == 0 and (seconds.size == 0 or int(seconds.max()) <= most):
        return seconds * 10**9 + fraction_ns
    # A sum in Python integers: offsets are signed 64-bit numbers and may say anything.
    total = [min(max(s + offset_s, -most), most) for s in seconds.tolist()]
    return np.array(total, np.int64) * 10**9 + fraction_ns
