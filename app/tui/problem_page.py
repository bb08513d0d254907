"""The page of problems: everything that was lost, cut, refused or odd, and ways to the packets that show it."""

from __future__ import annotations

import asyncio
import datetime
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from app.draw.packet_summary import summarise
from app.draw.problems import ProblemRow, packet_line, problem_rows
from app.draw.spans import Line, Span, Tone, text_of
from app.terminal_text import safe_text
from app.tui.bars import ActionBar
from app.tui.find import FindActions
from app.tui.find_bar import FindBar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.line_view import LineView
from app.tui.replacing_worker import replace_worker
from app.wording import clock, counted, grouped
from capture.errors import CaptureError
from capture.filter.tree import quoted
from capture.flow import Sighting

if TYPE_CHECKING:
    from app.tui.session import Session
    from capture.problems import Problem

MOST_NAMED = 12
"""Packets of a problem that a filter names one by one."""
_OF_KIND = {"undecodable": "malformed", "cut": "cut", "duplicate": "duplicate"}
TICK = 1.0
"""Seconds between looks at what has come since, in live runs."""

_BINDINGS = [
    *bindings_of(Context.PROBLEMS, Context.PAGE, Context.FIND),
    *bindings_of(Context.EVERYWHERE, namespace="app."),
]


class ProblemView(LineView):
    """A line for each problem, the worst first; unfolded, its packets."""

    def __init__(self, of_packet: Callable[[Sighting], tuple[str, str, str]]) -> None:
        super().__init__(id="problems")
        self._of_packet = of_packet
        self._problems: Sequence[Problem] = ()
        self._unfolded: set[str] = set()
        self._rows: list[ProblemRow] = []

    @property
    def row_count(self) -> int:
        """Headings, problems, and what is unfolded."""
        return len(self._rows)

    @property
    def here(self) -> ProblemRow | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    @property
    def problem(self) -> Problem | None:
        """The problem under the cursor, or that of the packet there."""
        row = self.here
        return None if row is None or row.problem is None else self._problems[row.problem]

    def show(self, problems: Sequence[Problem]) -> None:
        """Show these problems; the cursor stays at the one that it is at."""
        self._problems, before = problems, self._place()
        self.rows_changed()
        self._return_to(before)

    def fold_or_unfold(self) -> None:
        """List the packets of the problem under the cursor, or fold them again."""
        row = self.here
        if row is None or row.problem is None:
            return
        says = self._problems[row.problem].says
        self._unfolded ^= {says}
        self.rows_changed()
        self._return_to((says, None))

    def lines(self) -> list[Line]:
        """All rows as they are drawn."""
        return [self.draw_row(index) for index in range(self.row_count)]

    def can_stand_on(self, index: int) -> bool:
        """Problems and packets."""
        return 0 <= index < len(self._rows) and (self._rows[index].head or self._rows[index].sighting is not None)

    def rows_changed(self) -> None:
        """Make the rows for the present width."""
        self._rows = problem_rows(self._problems, self._unfolded, max(20, self.row_width - 2))
        super().rows_changed()

    def draw_row(self, index: int) -> Line:
        """One row, with a sign where the cursor is."""
        row = self._rows[index]
        line = row.line if row.sighting is None else packet_line(row.line, row.sighting, self._of_packet)
        here = index == self.cursor and self.can_stand_on(index)
        return (Span("▶ " if here else "  ", Tone.KEY), *line)

    def _place(self) -> tuple[str, Sighting | None] | None:
        row = self.here
        if row is None or row.problem is None or row.problem >= len(self._problems):
            return None
        return self._problems[row.problem].says, row.sighting

    def _return_to(self, place: tuple[str, Sighting | None] | None) -> None:
        for index, row in enumerate(self._rows):
            if row.problem is not None and (self._problems[row.problem].says, row.sighting) == place:
                self.cursor = index
                return


def filter_of(problem: Problem, names: Sequence[str]) -> str:
    """The filter that the packets of a problem pass; empty where they are no packets, or too many to name.

    Args:
        problem: what went wrong.
        names: of the files, by number.
    """
    if problem.sightings and problem.count <= MOST_NAMED:
        frames = [f"frame == {one.frame}" for one in problem.sightings]
        if len(names) > 1:
            files = [os.path.basename(names[one.file]) or names[one.file] for one in problem.sightings]
            frames = [f"({frame} and file ~ {quoted(file)})" for frame, file in zip(frames, files, strict=True)]
        return " or ".join(dict.fromkeys(frames))
    return _OF_KIND.get(problem.kind, "")


class ProblemScreen(FindActions, ModalScreen[Sighting | str | None], inherit_bindings=False):
    """Closes with the packet that the user wants to go to, the filter that shows some, or None."""

    BINDINGS = _BINDINGS

    DEFAULT_CSS = """
    ProblemScreen { align: center middle; }
    ProblemScreen > Vertical { width: 100%; height: 100%; max-width: 160; background: $background; }
    ProblemScreen ProblemView { height: 1fr; }
    """

    def __init__(self, session: Session, zone: datetime.tzinfo | None) -> None:
        super().__init__()
        self._session = session
        self._zone = zone

    def compose(self) -> ComposeResult:
        """The problems, and the keys."""
        with Vertical():
            yield ProblemView(self._of_packet)
            yield FindBar()
            yield ActionBar()

    def on_mount(self) -> None:
        """Look through what was captured while the page is up already."""
        self.query_one(ProblemView).focus()
        offered = (Context.PROBLEMS, Context.FIND, Context.PAGE, Context.EVERYWHERE)
        self.query_one(ActionBar).show(actions_in(*offered))
        self.run_worker(self._look(), group="problems")
        if self._session.feed is not None:
            self.set_interval(TICK, lambda: replace_worker(self, "problems", self._look))

    async def _look(self) -> None:
        session, view = self._session, self.query_one(ProblemView)
        total = len(session.table)
        while session.look_for_problems():
            done = 100 * session.problems.looked_at // max(1, total)
            view.title = f"problems · looking through {grouped(total)} packets, {min(done, 100)} %"
            await asyncio.sleep(0)
        problems = session.found_problems()
        view.title = f"problems of {counted(sum(file.packets for file in session.files), 'packet')}"
        view.show(problems)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Go to the packet under the cursor; on a problem list its packets, or fold them."""
        event.stop()
        view = self.query_one(ProblemView)
        row = view.here
        if row is not None and row.sighting is not None:
            self.dismiss(row.sighting)
        else:
            view.fold_or_unfold()

    def action_choose(self) -> None:
        """As Enter in the list."""
        self.query_one(ProblemView).action_choose()

    def action_fold(self) -> None:
        """List the packets of a problem, or fold them."""
        self.query_one(ProblemView).fold_or_unfold()

    def action_filter(self) -> None:
        """Show the packets of the problem under the cursor in the packet list."""
        problem = self.query_one(ProblemView).problem
        if problem is None:
            return
        expression = filter_of(problem, [file.path for file in self._session.files])
        if expression:
            self.dismiss(expression)
        else:
            self.notify("No filter tells these: unfolded, they are listed, as far as they are packets.", markup=False)

    def action_copy(self) -> None:
        """Copy the page."""
        lines = [text_of(line) for line in self.query_one(ProblemView).lines()]
        self.app.copy_to_clipboard("\n".join(("problems", *lines)) + "\n")
        self.notify("Copied", markup=False)

    def action_close(self) -> None:
        """Back to the main screen."""
        self.dismiss(None)

    def _of_packet(self, sighting: Sighting) -> tuple[str, str, str]:
        session = self._session
        try:
            payload, length = session.payload(sighting), session.wire_length(sighting)
        except CaptureError as error:
            return "", "", safe_text(str(error))
        src, dst = session.endpoints(sighting)
        ends = f"{safe_text(str(src))} → {safe_text(str(dst))}"
        with session.held():
            first = session.table.copy_of.item(sighting.row)
            again = f"shows #{session.table.frame.item(first)} again" if first >= 0 else ""
        said = summarise(payload, length, session.ttl(sighting))
        return clock(session.packet_time(sighting), self._zone), ends, said.trouble or again or said.protocol
