"""The screen while files are read: in a thread, with progress, and stopped by q."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.screen import Screen
from textual.strip import Strip

from app.draw.spans import Span, Tone
from app.tui.actions import Context, bindings_of
from app.tui.palette import palette_of

if TYPE_CHECKING:
    from app.tui.session import Session

Progress = Callable[[int, int], None]
"""Is told (done, total) now and then."""
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

    def __init__(
        self, prepare: Prepare, ready: Callable[[Session], None], failed: Callable[[BaseException], None]
    ) -> None:
        super().__init__()
        self._prepare = prepare
        self._ready = ready
        self._failed = failed
        self._stopped = False
        self._progress = (0, 1)

    def on_mount(self) -> None:
        """Begin once the screen has been painted."""
        self.call_after_refresh(self.run_worker, self._read, thread=True, exit_on_error=False)

    def render_line(self, y: int) -> Strip:
        """Two lines in the middle."""
        palette = palette_of(self.app)
        width, middle = self.size.width, self.size.height // 2
        done, total = self._progress
        filled = min(_BAR, _BAR * done // max(1, total))
        lines = {
            middle - 1: (Span("peephole", Tone.KEY), Span("  reading packets", Tone.PLAIN)),
            middle: (Span("█" * filled, Tone.CLIENT), Span("░" * (_BAR - filled), Tone.RULE)),
            middle + 2: (Span("q", Tone.KEY), Span(" stop", Tone.DIM)),
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

    def _report(self, done: int, total: int) -> None:
        if self._stopped:
            raise StoppedError
        self._progress = (done, total)
        self.app.call_from_thread(self.refresh)
