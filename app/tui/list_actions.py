"""What the attempt list does on the main screen: its columns, its order, what is cleared, and the counts above it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.draw.attempt_columns import BY_ID, Shown
from app.draw.attempts import BY_TIME, Order
from app.draw.spans import Span
from app.tui.attempt_list import AttemptList
from app.tui.bars import StatusLine
from app.tui.column_picker import Chosen, ColumnScreen
from app.tui.main_actions import MainActions
from app.tui.pace import AFTER_PAINT, AT_ONCE, FOLLOWED, LEAST, RARELY
from app.tui.replacing_worker import replace_worker
from app.way_words import way_of
from app.wording import counted

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.worker import Worker

    from capture.model import Sighting


CLEARED: Final = "The list was cleared. Attempts that begin from now on are listed here."


@dataclass(frozen=True, slots=True)
class ListSettings:
    """What the user has set for the list, and what keeps it."""

    columns: tuple[str, ...] | None = None
    """Ids in order; None leaves the choice to the width."""
    order: Order = BY_TIME
    keep: Callable[[Mapping[str, Any]], None] = lambda _: None
    """Is given settings by name when the user changes them."""


class ListActions(MainActions):
    """Columns, sorting, clearing, counts."""

    list_settings = ListSettings()
    _sorting: Worker[None] | None = None
    _progress = ""
    """What is being worked out."""
    _flow_shown = -1.0
    """When the selected attempt was drawn, on the monotonic clock."""
    _flow_took = 0.0
    """Seconds that it took."""
    _behind_since = 0.0
    """Since when it is not that of the list."""
    _awaited: Timer | None = None
    """Will draw it."""
    patience = 0.0
    """Seconds for which the list has to stand still before the selected attempt is drawn; 0: it is drawn at once."""

    def make_list(self) -> AttemptList:
        """The list as the settings say."""
        main = self._main
        session = main.session
        shown = Shown(
            main.zone,
            number=session.number,
            files=tuple(file.path.rpartition("/")[2] for file in session.files),
            comment=lambda flow: session.notes.on_attempt(flow.id),
        )
        return AttemptList(shown, self.list_settings.columns)

    def begin_list(self) -> None:
        """Sort as the settings say."""
        order = self.list_settings.order
        wanted = Order(order.column or BY_TIME.column, order.reverse)
        if wanted != BY_TIME and wanted.column in BY_ID:
            self._sort_by(wanted)

    def show_list(self) -> None:
        """Show the attempts that pass the filter; the newest one selected where it is followed."""
        session = self._main.session
        newest = session.newest_flow if self._main.follow else None
        select = None if newest is None else newest.id
        self._main.query_one(AttemptList).show(session.shown, select, session.latest, session.ordering.order)

    def show_flow_soon(self) -> None:
        """Show the selected attempt everywhere: at once, or when the list has been painted and stands still.

        The list comes first. An attempt that a held key, or a newer one in a busy capture, is about to leave behind
        need not be drawn, which takes longer than to paint the list.
        """
        main, now = self._main, time.monotonic()
        followed = main.follow and main.tick < LEAST
        if not followed and not self.patience:
            main.show_flow()
            return
        if self._awaited is None:
            self._behind_since = now
        elif not followed:
            self._awaited.stop()
            self._awaited = None
        latest = self._behind_since + LEAST
        busy = main.session.story.waiting > AT_ONCE
        rest = max(FOLLOWED, self._flow_took * RARELY) if busy else FOLLOWED
        wait = self._flow_shown + rest - now if followed else min(self.patience, latest - now)
        if followed:
            # After the list has been painted with what is new, while nobody waits for the next look.
            wait = max(wait, AFTER_PAINT)
        if wait <= 0:
            self.show_flow_now()
        elif self._awaited is None:
            self._awaited = main.set_timer(wait, self.show_flow_now)

    def show_flow_now(self) -> None:
        """Show it without waiting any longer."""
        main = self._main
        if self._awaited is not None:
            self._awaited.stop()
            self._awaited = None
        self._flow_shown = time.monotonic()
        main.show_flow()
        if main.follow:
            main.ladder.go_to_end()
        self._flow_took = time.monotonic() - self._flow_shown

    def catch_up(self) -> None:
        """The keyboard goes elsewhere: what is there has to be that of the selected attempt."""
        if self._awaited is not None:
            self.show_flow_now()

    def on_attempt_list_order_wanted(self, event: AttemptList.OrderWanted) -> None:
        """Sort by another column, or the other way round."""
        self._sort_by(event.order)

    async def action_back(self) -> None:
        """While the list is being sorted: leave it as it was. Else one level back."""
        if self._sorting is not None:
            self._sorting.cancel()
        else:
            await super().action_back()

    def action_follow(self) -> None:
        """Keep the newest attempt selected."""
        main = self._main
        main.follow = not main.follow
        if main.follow:
            self.show_list()
            main.ladder.go_to_end()
        self.show_status()

    def action_columns(self) -> None:
        """Choose columns and their order."""
        main = self._main
        attempts = main.query_one(AttemptList)

        def chosen(result: Chosen | None) -> None:
            if result is None:
                return
            attempts.choose_columns(result.columns)
            order = main.session.ordering.order
            self.list_settings = ListSettings(result.columns, order, self.list_settings.keep)
            self.list_settings.keep(
                {"list.columns": result.columns, "list.sort": order.column, "list.reverse": order.reverse}
            )

        main.app.push_screen(ColumnScreen(attempts.chosen, attempts.row_width), chosen)

    def action_problems(self) -> None:
        """What was lost, cut, refused or odd."""
        from app.tui.problem_page import ProblemScreen

        main = self._main

        def closed(wanted: Sighting | str | None) -> None:
            if isinstance(wanted, str):
                main.open_packets(None, wanted)
            elif wanted is not None:
                main.open_packets(wanted)

        main.app.push_screen(ProblemScreen(main.session, main.zone), closed)

    def action_clear(self) -> None:
        """Take all attempts off the list."""
        self._clear(keep_passing=False)

    def action_clear_others(self) -> None:
        """Take all attempts off the list that do not pass the filter."""
        self._clear(keep_passing=True)

    def _clear(self, *, keep_passing: bool) -> None:
        from app.tui.pages import ChoiceScreen

        main = self._main
        session = main.session
        if session.feed is None:
            main.app.notify("Only what is live can be cleared: a filter (/) hides attempts of files.", markup=False)
            return
        number = len(session.flows) - (len(session.passing) if keep_passing else 0)
        if not number:
            main.app.notify("There is nothing to clear.", markup=False)
            return

        def chosen(index: int | None) -> None:
            if index == 0:
                session.clear(keep_passing=keep_passing)
                if session.retention is not None and not keep_passing:
                    session.retention.ledger.clear()
                main.show_flows()

        which = "outside the filter " if keep_passing else ""
        choices = ((Span("clear; captured packets stay, and so does what is saved"),), (Span("leave them"),))
        main.app.push_screen(ChoiceScreen(f"clear {counted(number, 'attempt')} {which}from the list?", choices), chosen)

    def show_status(self) -> None:
        """Counts, filter, and the state of a live source."""
        session = self._main.session
        live: tuple[str, ...] = ()
        dropped = None
        if session.feed is not None:
            state = "■ ended" if session.trouble else "■ stopped" if session.stopped else "● live"
            if session.paused:
                live = (f"‖ paused: {session.waiting} new · {session.feed.name}", way_of(session.feed))
            else:
                live = (
                    f"{state} {session.feed.name}",
                    way_of(session.feed),
                    "following" if self._main.follow else "",
                )
            dropped = session.feed.dropped
        self._main.query_one(StatusLine).show(
            session.files,
            len(session.flows),
            session.failed,
            counted=session.counted,
            shown=len(session.shown),
            filter_text=session.filter.text,
            live=live,
            dropped=dropped,
            progress=self._progress,
            let_go=0 if session.retention is None else session.retention.let_go.attempts,
            held=self._main.held_count,
            unsaved=0 if session.losses is None else session.losses.unsaved,
        )

    def _sort_by(self, order: Order) -> None:
        main = self._main
        title = BY_ID[order.column].titles[1]

        def told(done: int, total: int) -> None:
            self._progress = f"sorting by {title} {100 * done // total} % · Esc stops"
            self.show_status()

        async def sort() -> None:
            try:
                await main.session.sort(order, told)
                self.show_list()
            finally:
                # A newer one may have begun.
                if self._sorting is worker:
                    self._sorting, self._progress = None, ""
                    self.show_status()

        worker = self._sorting = replace_worker(main, "sort", sort)
