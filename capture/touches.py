"""What was done to packets on their way through a node of ours: kept with the capture, like comments.

A packet that was received shows the bytes that came, one that was sent those that went. A touch says what was done, by
which rule, and has the other bytes: `original` as it came, `became` as it went on. What was never sent has no packet of
its own: its touch is on the packet that it came of, the last one received with the same transaction id.

In a pcapng file a touch is a comment of ours on its packet; what became of it later, and was not known when the packet
was written, is a comment on a section at the end. A recording has an item of its own.

    peephole: touched: {"fate":"edited","rule":"stripped-token","original":"0313…"}
    peephole: touched 17: {"fate":"dropped"}

Source: `protocol.intercept` for what can be done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from protocol.address import Address

if TYPE_CHECKING:
    from capture.capture_file import CaptureFile
    from capture.table import PacketTable

MOST_TOUCHES: Final = 100_000
"""Kept of one source."""
OF_A_PACKET: Final = 64
"""Kept of one packet."""
LONGEST_TEXT: Final = 1000
MARK: Final = "peephole: touched"
"""How a comment with a touch begins."""
MOST_BYTES: Final = 12_000
"""Bytes of a payload that a comment has room for, twice; longer ones are left out."""


@dataclass(frozen=True, slots=True)
class Touch:
    """One thing that was done to a packet."""

    fate: str
    """What: one of the words of `protocol.intercept.values.Fate`."""
    time_ns: int
    """Epoch nanoseconds."""
    sent: bool
    """It was on its way out of our node; else on its way in."""
    remote: Address
    """Who sent it, or where it was to go."""
    rule: str | None = None
    """What the rule is called; None where a person did it."""
    original: bytes | None = None
    """The payload as it came; None if it is that of the packet."""
    became: bytes | None = None
    """The payload as it went on; None if that is the packet's, or nothing went on."""
    to: Address | None = None
    """Where it went instead, or seemed to come from."""
    reason: str = ""
    unsent: bool = False
    """It has no packet of its own: this is the one that it came of."""

    @property
    def edited(self) -> bool:
        """Whether the bytes that went on are others than those that came."""
        return self.original is not None or self.became is not None


class Touches:
    """All touches of one source, by the numbers of the packets. One thread may add while others read."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[Touch, ...]] = {}
        self._order: list[tuple[int, Touch]] = []
        self.left_out = 0
        """Touches that there was no room for."""

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._order)

    def __iter__(self) -> Iterator[tuple[int, Touch]]:
        """Number of the packet, and touch, in the order in which they were taken in."""
        return iter(self.since(0))

    def since(self, start: int) -> list[tuple[int, Touch]]:
        """The same from the `start`-th on."""
        return self._order[start:]

    def add(self, frame: int, touch: Touch) -> None:
        """Take one in; the same one again is not another one."""
        known = self._of.get(frame, ())
        if touch in known:
            return
        if len(self._order) >= MOST_TOUCHES or len(known) >= OF_A_PACKET:
            self.left_out += 1
            return
        self._of[frame] = (*known, touch)
        self._order.append((frame, touch))

    def of_frame(self, frame: int) -> tuple[Touch, ...]:
        """What was done to a packet, in order."""
        return self._of.get(frame, ())

    @property
    def frames(self) -> tuple[int, ...]:
        """Numbers of the packets that something was done to."""
        return tuple(self._of)


def touches_of(table: PacketTable, row: int) -> tuple[Touch, ...]:
    """What was done to the packet of a row, or to the one that it shows again; in order."""
    found = _own(table, row)
    first = int(table.copy_of[row])
    return found or (_own(table, first) if first >= 0 else ())


def touched_rows(table: PacketTable) -> dict[int, tuple[Touch, ...]]:
    """Every row of a packet that something was done to."""
    found: dict[int, tuple[Touch, ...]] = {}
    for number, file in enumerate(table.files):
        touches = touches_of_file(file)
        if touches is None or not len(touches):
            continue
        import numpy as np

        frames = np.array(touches.frames, np.int64)
        for row in np.flatnonzero((table.file == number) & np.isin(table.frame, frames)).tolist():
            found[row] = touches.of_frame(int(table.frame[row]))
    return found


def touches_of_file(file: CaptureFile) -> Touches | None:
    """What was done to the packets of a source: while it ran, or by what its file tells."""
    if file.touches is not None:
        return file.touches
    return None if file.said is None else file.said.touches


def comment_of(touch: Touch, frame: int | None = None) -> str:
    """A touch as a comment.

    Args:
        touch: it.
        frame: the number of its packet, where the comment is not on the packet itself.
    """
    return f"{MARK}{'' if frame is None else f' {frame}'}: {json.dumps(to_plain(touch), separators=(',', ':'))}"


def read_comment_of_touch(text: str) -> tuple[int | None, Touch] | None:
    """Number of the packet, where it is said, and touch of a comment; None if it is no comment of a touch."""
    if not text.startswith(MARK):
        return None
    number, colon, body = text.removeprefix(MARK).partition(": ")
    number = number.strip()
    if not colon or (number and not (number.isascii() and number.isdigit() and len(number) < 10)):
        return None
    touch = read_touch(body)
    return None if touch is None else (int(number) if number else None, touch)


def read_touch(text: str) -> Touch | None:
    """The touch of a JSON text; None if it is none."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return from_plain(plain) if isinstance(plain, dict) else None


def to_plain(touch: Touch) -> dict[str, Any]:
    """A touch as JSON takes it; what is as usual is left out."""
    plain: dict[str, Any] = {
        "fate": touch.fate,
        "time_ns": touch.time_ns,
        "direction": "sent" if touch.sent else "received",
        "remote": str(touch.remote),
    }
    if touch.rule is not None:
        plain["rule"] = touch.rule[:LONGEST_TEXT]
    for name, value in (("original", touch.original), ("became", touch.became)):
        if value is not None:
            plain[name] = value.hex() if len(value) <= MOST_BYTES else f"{len(value)} bytes"
    if touch.to is not None:
        plain["to"] = str(touch.to)
    if touch.reason:
        plain["reason"] = touch.reason[:LONGEST_TEXT]
    if touch.unsent:
        plain["unsent"] = True
    return plain


def from_plain(plain: Mapping[str, Any]) -> Touch | None:
    """The touch that `to_plain` wrote; None if it is none."""
    fate, remote, time_ns = plain.get("fate"), _address(plain.get("remote")), plain.get("time_ns")
    if not isinstance(fate, str) or remote is None or not isinstance(time_ns, int) or abs(time_ns) >= 2**63:
        return None
    rule, reason = plain.get("rule"), plain.get("reason", "")
    return Touch(
        fate[:LONGEST_TEXT],
        time_ns,
        plain.get("direction") == "sent",
        remote,
        rule[:LONGEST_TEXT] if isinstance(rule, str) else None,
        _bytes(plain.get("original")),
        _bytes(plain.get("became")),
        _address(plain.get("to")),
        reason[:LONGEST_TEXT] if isinstance(reason, str) else "",
        plain.get("unsent") is True,
    )


def _own(table: PacketTable, row: int) -> tuple[Touch, ...]:
    touches = touches_of_file(table.files[int(table.file[row])])
    return () if touches is None else touches.of_frame(int(table.frame[row]))


def _bytes(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return bytes.fromhex(value)
    except ValueError:
        return None


def _address(value: object) -> Address | None:
    if not isinstance(value, str) or len(value) > 64:
        return None
    host, colon, port = value.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit() and int(port) < 65536):
        return None
    return Address(host.removeprefix("[").removesuffix("]"), int(port))
