"""Which of several captures saw a datagram, in a few cells, and what their clocks differ by."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from app.terminal_text import safe_text
from capture.model import FileSummary, Sighting, Step

_TWO: Final = ("◧", "◨")
_LETTERS: Final = "abcdefgh"
NOT_SEEN: Final = "·"


class Vantages(NamedTuple):
    """The captures of a story, and where to ask which of them saw a datagram."""

    files: Sequence[FileSummary]
    sightings: Callable[[Sighting], tuple[Sighting, ...]]
    """Every sighting of the datagram that one shows."""

    def of(self, step: Step) -> str:
        """Which of several captures saw a step: its datagram, or of a burst the first one and the first that hit."""
        if len(self.files) < 2:
            return ""
        shown = [one for one in (step.sighting, step.first_hit) if one is not None]
        return seen_by({each.file for one in shown for each in self.sightings(one)}, len(self.files))


def glyph(file: int, count: int) -> str:
    """The sign of a capture among `count` of them."""
    if count == 2:
        return _TWO[file]
    return _LETTERS[file] if file < len(_LETTERS) else "+"


def cells(count: int) -> int:
    """Cells that `seen_by` takes; none where there is one capture only."""
    return 0 if count < 2 else min(count, len(_LETTERS))


def seen_by(files: Iterable[int], count: int) -> str:
    """A sign for each capture that saw a datagram, a dot for each that did not."""
    seen = set(files)
    return "".join(glyph(file, count) if file in seen else NOT_SEEN for file in range(cells(count)))


def legend(files: Sequence[FileSummary]) -> list[str]:
    """What the signs stand for, from long to short, with the offset of each clock from the first one's."""
    if len(files) < 2:
        return []
    named = [f"{glyph(number, len(files))} {_name(file)}" for number, file in enumerate(files)]
    clocks = [clock(file) for file in files]
    whole = [f"{name} {said}".rstrip() for name, said in zip(named, ["", *clocks[1:]], strict=True)]
    offsets = [f"{glyph(number, len(files))} {said}" for number, said in enumerate(clocks) if number]
    return [" · ".join(whole), " · ".join(named), " · ".join(offsets)]


def clock(file: FileSummary) -> str:
    """By how much a clock is ahead of the first one's, and how sure that is."""
    ahead = f"clock {_seconds(file.clock_offset, signed=True)}"
    if file.clock_given:
        return f"{ahead} as given"
    sure = "uncertain" if file.clock_uncertainty is None else f"±{_seconds(file.clock_uncertainty)}"
    return f"{ahead} {sure}{drift(file)}"


def drift(file: FileSummary) -> str:
    """What a clock gains on the first one's, where it drifts, to be put behind its offset."""
    return f", drifting {file.clock_drift * 1e6:+.1f} µs/s" if file.clock_drift else ""


def _seconds(value: float, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    if abs(value) >= 1:
        return f"{value:{sign}.3f} s"
    return f"{value * 1e3:{sign}.1f} ms" if abs(value) >= 0.0001 or not value else f"{value * 1e6:{sign}.0f} µs"


def _name(file: FileSummary) -> str:
    return safe_text(os.path.basename(file.path) or file.path)
