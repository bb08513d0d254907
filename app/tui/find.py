"""Find: looks through the rows of the focused list, forwards and backwards, round and round.

A screen that has it mixes in `FindActions`, takes the bindings of `Context.FIND` and yields a `FindBar`. Every
`LineView` can be looked through: by what its rows say, or by what its own `finder` makes of the expression.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from app.tui.find_bar import FindBar
from app.tui.line_view import LineView
from app.tui.replacing_worker import replace_worker
from app.tui.sought import Sought, sought
from app.wording import grouped

if TYPE_CHECKING:
    from textual.screen import Screen

    from capture.filter import Filter

SLICE = 0.008
"""Seconds of looking between two turns of the event loop."""


class Found(NamedTuple):
    """Where a search ended."""

    row: int | None
    """The row; None if no row matches."""
    wrapped: bool
    """It went past the end, or the beginning, and on from the other side."""
    place: str = ""
    """Such as ``3 of 17``, where all matches are known."""


async def seek(
    view: LineView, what: Sought, start: int, step: int, told: Callable[[int, int], None] = lambda _done, _total: None
) -> Found:
    """The next row that matches, from the one after `start` on, round and round; `start` itself comes last.

    Args:
        view: whose rows.
        what: what is looked for.
        start: the row where the search begins.
        step: 1 forwards, -1 backwards.
        told: gets how many rows were looked at, and of how many, now and then.
    """
    await view.get_ready(what)
    matcher = view.finder(what)
    count = view.row_count
    if not callable(matcher):
        return _among(np.flatnonzero(matcher[:count]), start, step)
    until = time.perf_counter() + SLICE
    for away in range(1, count + 1):
        index = (start + step * away) % count
        if matcher(index):
            return Found(index, not 0 <= start + step * away < count)
        if time.perf_counter() > until:
            told(away, count)
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE
            if view.row_count != count:
                # Rows came or went meanwhile; what is there no more can't be found.
                count = min(count, view.row_count)
    return Found(None, False)


def _among(rows: np.ndarray[tuple[int], np.dtype[np.int64]], start: int, step: int) -> Found:
    if not rows.size:
        return Found(None, False)
    at = int(rows.searchsorted(start + 1, "left")) if step > 0 else int(rows.searchsorted(start, "left")) - 1
    wrapped = not 0 <= at < rows.size
    at %= rows.size
    return Found(int(rows[at]), wrapped, f"{at + 1} of {rows.size}")


class FindActions:
    """F3, n and N on a screen with a `FindBar`."""

    _sought: Sought | None = None
    _view: LineView | None = None
    """The list that was looked through last."""
    _last: tuple[int, int] | None = None
    """The row found last, and where the cursor was then."""
    _origin = 0

    @property
    def _screen(self) -> Screen[object]:
        return cast("Screen[object]", self)

    @property
    def searched(self) -> str | None:
        """Id of the list that is looked through while one types what to find."""
        if self._view is not None and self._screen.query_one(FindBar).display:
            return self._view.id
        return None

    def expressions(self) -> Callable[[Filter], Filter] | None:
        """Gives an expression what it is asked of; None on screens that know text alone."""
        return None

    def action_find(self) -> None:
        """Type what to look for in the focused list."""
        view = self._target()
        if view is None:
            return
        self._look_at(view)
        self._origin = view.cursor
        self._last = None
        bar = self._screen.query_one(FindBar)
        bar.open(view.id or "", "" if self._sought is None else self._sought.typed)
        self.find_bar_changed()

    def action_find_next(self) -> None:
        """To the next match."""
        self._again(1)

    def action_find_previous(self) -> None:
        """To the previous match."""
        self._again(-1)

    def on_find_bar_typed(self, event: FindBar.Typed) -> None:
        """Go to the first match from where the search began."""
        event.stop()
        view = self._view
        if view is None:
            return
        what = sought(event.text, self.expressions()) if event.text.strip() else None
        self._sought = what
        view.show_sought(what)
        if what is None:
            self._screen.query_one(FindBar).say("")
            view.reveal(self._origin)
            return
        self._run(what, view, self._origin - 1, 1, typing=True)

    def on_find_bar_stepped(self, event: FindBar.Stepped) -> None:
        """Another match, while typing."""
        event.stop()
        self._again(event.step)

    def on_find_bar_closed(self, event: FindBar.Closed) -> None:
        """Stay where the search led, or go back to where it began."""
        event.stop()
        view = self._view
        if view is not None:
            if not event.kept:
                self._sought = None
                view.show_sought(None)
                view.reveal(self._origin)
            view.focus()
        self.find_bar_changed()

    def find_bar_changed(self) -> None:
        """The bar came or went; a screen that shares its lines out by hand does so."""

    def _target(self) -> LineView | None:
        focused = self._screen.focused
        if isinstance(focused, LineView):
            return focused
        if self._view is not None and self._view.is_attached and self._view.display:
            return self._view
        views = (view for view in self._screen.query("*") if isinstance(view, LineView) and view.display)
        return next(views, None)

    def _look_at(self, view: LineView) -> None:
        if self._view is not view:
            if self._view is not None:
                self._view.show_sought(None)
            self._view, self._last = view, None
            if self._sought is not None:
                view.show_sought(self._sought)

    def _again(self, step: int) -> None:
        view = self._target()
        if view is None:
            return
        self._look_at(view)
        if self._sought is None:
            self.action_find()
            return
        # A page may hold no cursor where something was found; then the search goes on from there.
        moved = self._last is None or self._last[1] != view.cursor
        start = view.cursor if moved or self._last is None else self._last[0]
        self._run(self._sought, view, start, step, typing=self._screen.query_one(FindBar).display)

    def _run(self, what: Sought, view: LineView, start: int, step: int, *, typing: bool) -> None:
        replace_worker(self._screen, "find", self._seek, what, view, start, step, typing)

    async def _seek(self, what: Sought, view: LineView, start: int, step: int, typing: bool) -> None:
        bar = self._screen.query_one(FindBar)
        found = await seek(view, what, start, step, lambda done, total: bar.say(_progress(done, total)))
        if found.row is None:
            self._last = None
            bar.say(f"✗ nothing found{_because(what)}", good=False)
            if not typing:
                self._screen.notify("Nothing found.", timeout=2, markup=False)
            return
        view.reveal(found.row)
        self._last = (found.row, view.cursor)
        end = "last" if step < 0 else "first"
        wrapped = f"went on from the {end} row" if found.wrapped and start >= 0 else ""
        kind = "expression" if what.filter is not None else "text"
        place = f"match {found.place}" if found.place else f"row {found.row + 1}"
        bar.say(" · ".join(part for part in (f"✓ {kind}: {place}", wrapped, what.remark) if part))
        if wrapped and not typing:
            self._screen.notify(f"Search {wrapped}.", timeout=2, markup=False)


def _progress(done: int, total: int) -> str:
    return f"… looked at {grouped(done)} of {grouped(total)} rows"


def _because(what: Sought) -> str:
    return f" · {what.remark}" if what.remark else ""
