"""How much of the screen each pane gets, as a function of its size and of where the keyboard is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BESIDE: Final = 112
"""Columns from which the message fits beside the ladder."""
WIDE: Final = 150
PACKETS_BESIDE: Final = 170
"""Columns from which the message fits beside the packet list."""
MESSAGE_WIDTH: Final = 43
"""Columns of a message beside something else."""
MESSAGE_WIDE: Final = 64
"""The same, where there is plenty."""
MESSAGE_LEAST: Final = 30
LADDER_LEAST: Final = 50
"""Columns that a larger message leaves to the ladder."""
SHORT: Final = 30
"""Lines below which the focused pane takes room from the others."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Heights in lines, 0 for hidden, widths in columns, and which parts of the middle are shown."""

    list_height: int
    verdict_height: int
    message_width: int
    """Columns, where the message is beside the ladder."""
    ladder: bool
    message: bool
    narrow: bool
    wide: bool
    short: bool

    @property
    def lower(self) -> bool:
        """Whether the middle is shown at all."""
        return self.ladder or self.message


def arrange(
    width: int,
    height: int,
    *,
    attempts: int,
    focused: str | None,
    detail: bool | None,
    maximised: bool,
    share: float | None = None,
    more: int = 0,
) -> Arrangement:
    """Share out the screen; going from one attempt to another moves nothing.

    Args:
        width: columns.
        height: lines, with those of status line and footer.
        attempts: how many attempts the list has.
        focused: id of the focused pane.
        detail: whether the user wants to see the message; None: where it fits beside the ladder.
        maximised: the focused pane gets everything.
        share: part of the width that the message may take; None leaves it to the width.
        more: lines that the list gets on top of what it would have; negative takes some away.
    """
    narrow, wide, short = width < BESIDE, width >= WIDE, height < SHORT
    in_message = focused in {"fields", "bytes"}
    message = not narrow if detail is None else detail
    body = height - 2
    message_width = MESSAGE_WIDE if wide else MESSAGE_WIDTH
    if share is not None:
        message_width = min(max(MESSAGE_LEAST, int(width * share)), max(MESSAGE_WIDTH, width - LADDER_LEAST))
    if maximised:
        return Arrangement(
            body if focused in {"attempts", None} else 0,
            body if focused == "verdict" else 0,
            message_width,
            focused == "ladder",
            in_message,
            narrow,
            wide,
            short=False,
        )
    most = (5 if focused in {"attempts", "expression", None} else 3) if short else 10 if height < 50 else 16
    list_height = 2 + min(max(attempts, 1), most)
    verdict_height = 1 + (6 if height < 50 else 8)
    if short:
        verdict_height = 1 + {"verdict": 6, "ladder": 3}.get(focused or "", 4)
    list_height = min(max(3, list_height + more), max(3, body - verdict_height - 4))
    return Arrangement(
        list_height,
        0 if narrow and message and short else verdict_height,
        message_width,
        ladder=not (narrow and message),
        message=message,
        narrow=narrow,
        wide=wide,
        short=short,
    )


@dataclass(frozen=True, slots=True)
class PacketArrangement:
    """How the packet list and the message share a screen."""

    list: bool
    message: bool
    beside: bool
    """The message stands beside the list, else below it."""
    size: int
    """Columns of the message beside the list, lines of it below."""


def arrange_packets(
    width: int, height: int, *, focused: str | None, detail: bool | None, maximised: bool, share: float
) -> PacketArrangement:
    """Share out the screen of the packet list.

    Args:
        width: columns.
        height: lines between the bars.
        focused: id of the focused pane.
        detail: whether the user wants to see the message; None: where it fits.
        maximised: the focused pane gets everything.
        share: part of the room that the message may take.
    """
    in_message = focused in {"fields", "bytes"}
    beside = width >= PACKETS_BESIDE
    fits = beside or height >= SHORT
    message = fits if detail is None else detail
    if maximised:
        return PacketArrangement(not in_message, in_message, beside, width if beside else height)
    if not message:
        return PacketArrangement(True, False, beside, 0)
    if not fits:
        return PacketArrangement(not in_message, in_message, False, height)
    room = width if beside else height
    return PacketArrangement(True, True, beside, max(MESSAGE_WIDTH if beside else 6, int(room * share)))
