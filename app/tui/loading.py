"""The screen while files are read: in a thread, with progress. Esc ends the reading and shows what was read so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.message import Message
from textual.screen import Screen
from textual.strip import Strip

from app.draw.spans import Line, Span, Tone, width_of
from app.terminal_text import clip, safe_text
from app.tui.keys.action import Context, key_text
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.palette import palette_of
from capture.errors import EnoughError

if TYPE_CHECKING:
    from app.tui.session import Session
    from capture.opening import Progress

Prepare = Callable[["Progress"], "Session"]
"""Reads the files and makes ready what the main screen shows."""

_BAR: Final = 40
_TELLS_AFTER: Final = 0.5
"""Seconds of reading after which its speed says how long the rest will take."""


class StoppedError(Exception):
    """The user left while files were being read."""


@dataclass(frozen=True, slots=True)
class Report:
    """How far the reading is."""

    doing: str = "reading packets"
    done: int = 0
    total: int = 1
    packets: int = 0
    """Read so far; 0 while no file is read."""
    elapsed: float = 0.0
    """Seconds since the file was begun."""

    @property
    def left(self) -> float | None:
        """Seconds that the rest of the file will take, at the speed so far; None where nothing is known."""
        if not self.packets or self.elapsed < _TELLS_AFTER or not self.done:
            return None
        return self.elapsed / self.done * max(0, self.total - self.done)


def report_lines(report: Report, *, had_enough: bool, key: str, width: int) -> list[Line]:
    """What is being done, a bar, how much of how much, and what the key does, for the middle of the screen."""
    total = max(1, report.total)
    bar = max(4, min(_BAR, width - 8))
    filled = min(bar, bar * report.done // total) if report.total else 0
    percent = f" {min(100, 100 * report.done // total):3} %" if report.total else ""
    counts = "" if report.total else f"{report.done / 1e6:.1f} MB came"
    if report.packets:
        packets = f"{report.packets:,}".replace(",", " ")
        counts = f"{report.done / 1e6:.1f} of {total / 1e6:.1f} MB · {packets} packets"
    if report.left is not None and not had_enough:
        counts += f" · about {_duration(report.left)} left"
    reading = report.packets > 0 or not report.done or not report.total
    says = " stop and show what was read; twice: leave" if reading else " twice: leave"
    if had_enough:
        says = " leave; what was read is being put together"
    return [
        (Span("peephole", Tone.KEY), Span(f"  {clip(safe_text(report.doing), max(8, width - 10))}")),
        (Span("█" * filled, Tone.CLIENT), Span("░" * (bar - filled), Tone.RULE), Span(percent)),
        (Span(clip(counts, width), Tone.DIM),),
        (),
        (Span(key, Tone.KEY), Span(clip(says, max(0, width - len(key))), Tone.DIM)),
    ]


class LoadingScreen(Screen[None]):
    """Reads in a thread and hands on the session, or what went wrong.

    It imports little, so that it is painted soon; the thread brings in the rest.
    """

    BINDINGS = bindings_of(Context.LOADING)

    class Progressed(Message):
        """The thread got further."""

    def __init__(
        self,
        prepare: Prepare,
        ready: Callable[[Session], None],
        failed: Callable[[BaseException], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._prepare = prepare
        self._ready = ready
        self._failed = failed
        self._clock = clock
        self._had_enough = False
        self._stopped = False
        self._began = (0.0, "")
        """When the file that is read was begun, and what was said of it."""
        self._told = Report()

    def on_mount(self) -> None:
        """Begin once the screen has been painted."""
        self.call_after_refresh(self.run_worker, self._read, thread=True, exit_on_error=False)

    def render_line(self, y: int) -> Strip:
        """The report in the middle."""
        palette = palette_of(self.app)
        width = self.size.width
        stop = next((key_text(one.keys.split(",")[0]) for one in actions_in(Context.LOADING)), "")
        lines = report_lines(self._told, had_enough=self._had_enough, key=stop, width=width)
        index = y - max(0, self.size.height // 2 - 1)
        line = lines[index] if 0 <= index < len(lines) else ()
        widest = min(width, max(width_of(one) for one in lines[1:]))
        indent = Span(" " * max(0, (width - widest) // 2))
        return palette.strip((indent, *line), width)

    def action_stop(self) -> None:
        """End the reading of packets and go on with those there are; again: leave, as soon as the thread reports."""
        if self._had_enough:
            self._stopped = True
            self.app.exit(0)
            return
        self._had_enough = True
        self.refresh()

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

    def _report(self, doing: str, done: int, total: int, packets: int = 0, /) -> None:
        if self._stopped:
            raise StoppedError
        now = self._clock()
        if doing != self._began[1]:
            self._began = (now, doing)
        self._told = Report(doing, done, total, packets, now - self._began[0])
        self.post_message(self.Progressed())
        # The interpreter may stay with this thread for a long while: give the screen its turn.
        time.sleep(0)
        if self._had_enough and (packets or not total):
            raise EnoughError

    def on_loading_screen_progressed(self) -> None:
        """Show how far it is."""
        self.refresh()


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min"
