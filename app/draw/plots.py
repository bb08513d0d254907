"""Small plots out of characters: bars and sparklines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_LEVELS: Final = " ▁▂▃▄▅▆▇█"


def bar(share: float, width: int) -> str:
    """A bar of `share` of `width` cells; what is there at all is seen.

    Args:
        share: 0 to 1.
        width: cells of a whole bar.
    """
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    if share > 0:
        eighths = max(1, eighths)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def sparkline(values: Sequence[float], width: int, *, highest: float | None = None) -> str:
    """One column for each value, or for several where there is no room; what is there at all is seen.

    Args:
        values: none below 0.
        width: most cells.
        highest: the value of a full column; the greatest of all if None.
    """
    shown = _joined(values, width)
    top = max(shown, default=0.0) if highest is None else highest
    if top <= 0:
        return _LEVELS[0] * len(shown)
    columns = []
    for value in shown:
        level = min(8, round(value / top * 8))
        columns.append(_LEVELS[max(1, level) if value > 0 else 0])
    return "".join(columns)


def _joined(values: Sequence[float], width: int) -> list[float]:
    """Neighbours added up until no more than `width` are left."""
    each = max(1, -(-len(values) // max(1, width)))
    return [float(sum(values[start : start + each])) for start in range(0, len(values), each)]
