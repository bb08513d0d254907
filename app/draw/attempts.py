"""The attempt list: which columns fit a width, its heading, and the line of one attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.draw.attempt_columns import BY_ID, PLAIN, STATE, Column, Content, Reads, Shown, Size
from app.draw.spans import Line, Span, Tone, cell
from capture.model import Flow

SIGNS: Final = 3
"""Cells before the first column: cursor, mark, comment."""
NOT_YET: Final[Content] = ("…", Tone.DIM)
"""What stands for what is not worked out yet."""

_BY_WIDTH: Final = (
    (100, ("time", "client", "key", "nats", "rounds", "tokens", STATE)),
    (150, ("time", "client", "key", "client_nat", "server_nat", "rounds", "tokens", "took", STATE)),
)
_WIDE: Final = (
    "time", "client", "server", "key", "client_nat", "server_nat", "rounds", "client_token", "server_token", "took",
    STATE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """How the list is sorted."""

    column: str = "time"
    reverse: bool = False


BY_TIME: Final = Order()
"""As attempts come."""


@dataclass(frozen=True, slots=True)
class AttemptColumns:
    """The columns that one width has room for."""

    columns: tuple[Column, ...]
    size: Size
    widths: tuple[int, ...]
    gap: int
    left_out: int = 0
    """Chosen columns that there is no room for."""

    def heading(self, order: Order | None = None) -> Line:
        """Titles of the columns, with a sign at the one that the list is sorted by."""
        spans = [Span(" " * SIGNS, Tone.DIM)]
        for place, (column, width) in enumerate(zip(self.columns, self.widths, strict=True)):
            title = column.titles[self.size]
            tone = Tone.DIM
            if order is not None and column.id == order.column:
                sign = "▼" if order.reverse else "▲"
                title = sign + title if column.right else title[: max(0, width - 1)] + sign
                tone = Tone.KEY
            if self.left_out and place == len(self.columns) - 1:
                more = f" +{self.left_out}›"
                spans += [cell(title, max(0, width - len(more)), tone, right=column.right), Span(more, Tone.WARN)]
            else:
                spans.append(cell(title, width, tone, right=column.right))
            spans.append(Span(" " * self.gap))
        return tuple(spans[:-1])

    def line(self, flow: Flow, shown: Shown = PLAIN) -> Line:
        """One attempt. The first `SIGNS` cells are left to the view, for cursor, mark and comment."""
        spans = [Span(" " * SIGNS)]
        gap = Span(" " * self.gap)
        # What is not worked out yet of an attempt that has just begun is not asked for while others come in.
        ready = shown.latest is None or flow.worked_out
        for column, width in zip(self.columns, self.widths, strict=True):
            known = ready or column.reads is Reads.LISTED
            text, tone = column.content(flow, shown, self.size) if known else NOT_YET
            spans += [cell(text, width, tone, right=column.right), gap]
        return tuple(spans[:-1])

    def at(self, x: int) -> Column | None:
        """The column whose title stands at cell `x`."""
        end = SIGNS
        for column, width in zip(self.columns, self.widths, strict=True):
            if end <= x < end + width:
                return column
            end += width + self.gap
        return None


def default_columns(width: int) -> tuple[str, ...]:
    """Ids of the columns of somebody who has not chosen any."""
    return next((ids for limit, ids in _BY_WIDTH if width < limit), _WIDE)


def attempt_columns(width: int, chosen: Sequence[str] | None = None) -> AttemptColumns:
    """Fit columns into `width` cells: as large as they can all be, the state as long as there is room.

    Args:
        width: cells of a line.
        chosen: ids of columns, in order; None leaves it to the width. Unknown ids are passed over.
    """
    ids = [one for one in (default_columns(width) if chosen is None else chosen) if one in BY_ID]
    columns = [BY_ID[one] for one in dict.fromkeys(ids)] or [BY_ID[STATE]]
    sizes = [Size.WIDE, Size.REGULAR, Size.COMPACT]
    size, gap = Size.COMPACT, 1
    for one in sizes:
        size, gap = one, 2 if one is Size.WIDE else 1
        if _used(columns, one, gap) <= width:
            break
    kept = list(columns)
    while len(kept) > 1 and _used(kept, size, gap) > width:
        # The state is what the list is for: it goes last.
        kept.remove(next(column for column in reversed(kept) if column.id != STATE))
    widths = [column.widths[size] for column in kept]
    grows = next((place for place, column in enumerate(kept) if column.id == STATE), len(kept) - 1)
    widths[grows] = max(1, widths[grows] + width - _used(kept, size, gap))
    return AttemptColumns(tuple(kept), size, tuple(widths), gap, len(columns) - len(kept))


def _used(columns: Sequence[Column], size: Size, gap: int) -> int:
    return SIGNS + sum(column.widths[size] for column in columns) + gap * (len(columns) - 1)
