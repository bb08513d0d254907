"""The screen while files are read: in a thread, with progress, and stopped by Esc."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip

from app.draw.spans import Span, Tone
from app.terminal_text import clip, safe_text
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.palette import palette_of

if TYPE_CHECKING:
    from app.tui.session import Session

Progress = Callable[[str, int, int], None]
"""Is told what is being done, and how much of how much of it is done."""
Prepare = Callable[[Progress], "Session"]
"""Reads the files and makes ready what the main screen shows."""

_BAR = 40


class StoppedError(Exception):
    """The user left while files were being read."""


class LoadingScreen(Screen[None]):
    """Reads in a thread and hands on the session, or what went wrong.

    It imports little, so that it is painted soon; the thread brings in the rest.
    """

    BINDINGS = bindings_of(Context.LOADING)

    class Progressed(Message):
        """The thread got further."""

    def __init__(
        self, prepare: Prepare, ready: Callable[[Session], None], failed: Callable[[BaseException], None]
    ) -> None:
        super().__init__()
        self._prepare = prepare
        self._ready = ready
        self._failed = failed
        self._stopped = False
        self._progress = ("reading packets", 0, 1)

    def on_mount(self) -> None:
        """Begin once the screen has been painted."""
        self.call_after_refresh(self.run_worker, self._read, thread=True, exit_on_error=False)

    def render_line(self, y: int) -> Strip:
        """What is being done, a bar, and how to stop it, in the middle."""
        palette = palette_of(self.app)
        width, middle = self.size.width, self.size.height // 2
        doing, done, total = self._progress
        total = max(1, total)
        filled = min(_BAR, _BAR * done // total)
        percent = f" {min(100, 100 * done // total):3} %"
        lines = {
            middle - 1: (Span("peephole", Tone.KEY), Span(f"  {clip(safe_text(doing), max(8, width // 2))}")),
            middle: (Span("█" * filled, Tone.CLIENT), Span("░" * (_BAR - filled), Tone.RULE), Span(percent)),
            middle + 2: (Span("Esc", Tone.KEY), Span(" stop and leave", Tone.DIM)),
        }
        line = lines.get(y, ())
        indent = Span(" " * max(0, (width - _BAR) // 2))
        return palette.strip((indent, *line), width)

    def action_stop(self) -> None:
        """Leave; the reading thread stops at its next report of progress."""
        self._stopped = True
        self.app.exit(0)

    def _read(self) -> None:
        try:
            session = self._prepare(self._report)
        except StoppedError:
            return
        except Exception as error:  # noqa: BLE001 - handed to the caller of run(), which raises it again
            self.app.call_from_thread(self._failed, error)
            return
        if not self._stopped:
            self.app.call_from_thread(self._ready, session)

    def _report(self, doing: str, done: int, total: int) -> None:
        if self._stopped:
            raise StoppedError
        self._progress = (doing, done, total)
        self.post_message(self.Progressed())
        # The interpreter may stay with this thread for a long while: give the screen its turn.
        time.sleep(0)

    def on_loading_screen_progressed(self) -> None:
        """Show how far it is."""
        self.refresh()
