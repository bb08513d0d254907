"""Setting by hand what the clock of a capture is ahead by: the files are read again, marks and all else stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from app.draw.spans import Span, Tone
from app.draw.vantage_marks import clock, glyph
from app.terminal_text import safe_text

if TYPE_CHECKING:
    from app.tui.app import PeepholeApp
    from app.tui.main_screen import MainScreen
    from capture.masking.mask import Mask
    from capture.model import FileSummary
    from capture.notes import Notes

_UNITS: Final = {"µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0}
_MOST: Final = 1e9
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays as it is when the files are read again."""

    notes: Notes
    attempt: str
    """Id of the selected one; empty without one."""
    mask: Mask | None
    hidden: bool


def seconds_of(text: str) -> float | None:
    """Seconds, from a number with or without a unit (s, ms, µs); None for an empty text.

    Raises:
        ValueError: it is something else.
    """
    bare = text.strip()
    if not bare:
        return None
    unit = next(one for one in _UNITS if bare.endswith(one))
    seconds = float(bare.removesuffix(unit)) * _UNITS[unit]
    if not abs(seconds) < _MOST:
        raise ValueError(f"more than can be: {text}")
    return seconds


class ClockActions:
    """The clocks of several captures."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    def action_clock(self) -> None:
        """Set the clock of one of several captures by hand."""
        from app.tui.notes_actions import original
        from app.tui.pages import ChoiceScreen

        main = self._main
        app = cast("PeepholeApp", main.app)
        files = original(main.session).files
        if app.reread is None and self._give is None:
            main.notify(
                "Clocks are set where files can be read again, and of several sources of `watch`.", markup=False
            )
            return
        if len(files) < 2:
            main.notify("There is one capture, and so one clock.", markup=False)
            return
        if len(files) == 2:
            self._ask(files, 1)
            return

        def chosen(index: int | None) -> None:
            if index is not None:
                self._ask(files, index + 1)

        choices = [
            (Span(f"{glyph(number, len(files))} {_name(file)}", Tone.STRONG), Span(f"  {clock(file)}", Tone.DIM))
            for number, file in enumerate(files)
            if number
        ]
        main.app.push_screen(ChoiceScreen(f"clock, against that of {_name(files[0])}", tuple(choices)), chosen)

    @property
    def _give(self) -> Callable[[int, float | None], bool] | None:
        """Sets the clock of one of several live sources, which are merged again then; None where nothing is live."""
        give: Callable[[int, float | None], bool] | None = getattr(self._main.session.feed, "give_clock", None)
        return give

    def select_attempt(self, id_: str) -> None:
        """Select an attempt in the list, if it is shown."""
        from app.tui.attempt_list import AttemptList

        main = self._main
        index = next((place for place, flow in enumerate(main.session.shown) if flow.id == id_), None)
        if index is not None:
            main.query_one(AttemptList).cursor = index

    def _ask(self, files: tuple[FileSummary, ...], number: int) -> None:
        from app.tui.asking import AskScreen

        main, file = self._main, files[number]

        def answered(text: str | None) -> None:
            if text is None:
                return
            try:
                seconds = seconds_of(text)
            except ValueError:
                main.notify(f"{safe_text(text)} is no time: seconds, or a number with ms or µs.", markup=False)
                return
            if self._give is not None:
                if not self._give(number, seconds):
                    main.notify("The clocks of sensors are what they say they are.", markup=False)
                return
            ahead = {one.path: one.clock_offset for one in files if one.clock_given}
            ahead.pop(file.path, None)
            if seconds is not None:
                ahead[file.path] = seconds
            self._read_again(ahead)

        hint = f"Now {clock(file)}. Seconds, or a number with ms or µs; empty: estimated from the packets."
        title = f"clock of {_name(file)}, ahead of {_name(files[0])} by"
        main.app.push_screen(AskScreen(title, f"{file.clock_offset:+.6f}", hint), answered)

    def _read_again(self, ahead: dict[str, float]) -> None:
        main = self._main
        flow = main.flow
        kept = Kept(main.session.notes, "" if flow is None else flow.id, main.mask, main.hidden)
        app = cast("PeepholeApp", main.app)
        assert app.reread is not None
        app.read_again(partial(app.reread, ahead), main.session.filter.text, kept)


def _name(file: FileSummary) -> str:
    return safe_text(os.path.basename(file.path) or file.path)
