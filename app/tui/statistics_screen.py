"""The statistics screen: what is shown, counted; of a live source it follows."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from app.draw.linked import Linked, page_text, paragraph
from app.draw.source import source_lines
from app.draw.spans import Tone
from app.draw.statistics import rate_of, statistics_page
from app.terminal_text import safe_text
from app.tui.bars import ActionBar
from app.tui.counting import Counting
from app.tui.keys.action import Action, Context
from app.tui.keys.registry import actions_in
from app.tui.line_view import LineView
from app.tui.linked_view import LinkedView
from app.tui.pages import PAGE_BINDINGS, TEXT_WIDTH, PageScreen
from app.tui.texts import Text
from app.wording import grouped

if TYPE_CHECKING:
    from app.tui.session import Session
    from capture.statistics import Statistics

LEAST_PAUSE: Final = 1.0
"""Seconds between two counts of a live source."""
PAUSE_FACTOR: Final = 10.0
"""How many times longer it rests than a count took."""


class StatisticsScreen(PageScreen, inherit_bindings=False):
    """Outcomes, NAT pairs, times and relays. A line that stands for some attempts shows them, by the filter."""

    BINDINGS = PAGE_BINDINGS
    OFFERS: ClassVar[tuple[Context, ...]] = (Context.PAGE, Context.EVERYWHERE)

    def __init__(self, session: Session, zone: datetime.tzinfo | None, choose: Callable[[str], None]) -> None:
        super().__init__("statistics", self._draw)
        self._session = session
        self._zone = zone
        self._choose = choose
        self._counting = Counting(session)
        self._statistics: Statistics | None = None

    def on_mount(self) -> None:
        """Begin to count; Textual calls that of the base class, too."""
        self.run_worker(self._count(), group="statistics")

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Show the attempts of the line."""
        event.stop()
        expression = self.query_one(LinkedView).expression
        if not expression:
            return
        present = self._session.filter.text.strip()
        self.dismiss(None)
        self._choose(f"({present}) and {expression}" if present else expression)

    def offer(self) -> None:
        """Enter shows attempts here."""
        links: Sequence[Action] = ()
        if self.query_one(LinkedView).leads_somewhere:
            links = [replace(action, label="show attempts") for action in actions_in(Context.LINKS)]
        self.query_one(ActionBar).show([*links, *actions_in(*self.OFFERS)])

    def text_here(self) -> Text | None:
        """The statistics for other programs."""
        return Text("statistics", page_text("peephole statistics", self._draw(TEXT_WIDTH)))

    def _draw(self, width: int) -> list[Linked]:
        return [*self._source(width), *self._counted(width)]

    def _source(self, width: int) -> list[Linked]:
        feed = self._session.feed
        if feed is None:
            return []
        packets = sum(file.packets for file in self._session.files)
        promiscuous: bool | None = getattr(feed, "promiscuous", None)
        return source_lines(feed.name, getattr(feed, "way", ""), promiscuous, feed.losses, packets, width)

    def _counted(self, width: int) -> list[Linked]:
        if self._statistics is None:
            return paragraph("Counting…", width, Tone.DIM)
        present = self._session.filter.text.strip()
        of = f" that pass {safe_text(present)}" if present else ""
        retention = self._session.retention
        gone = None if retention is None or self._statistics.let_go else retention.ledger.verdicts
        return statistics_page(self._statistics, width, of=of, zone=self._zone, let_go=gone)

    async def _count(self) -> None:
        view = self.query_one(LinkedView)

        def told(done: int, total: int) -> None:
            if self.is_mounted:
                view.title = f"statistics · counting {grouped(done)} of {grouped(total)}"

        self._statistics = counted = await self._counting.count(told)
        if not self.is_mounted:
            return
        view.title = f"statistics · {rate_of(counted)}"
        first = not view.leads_somewhere
        view.show(self._draw, keep=not first)
        self.offer()
        if self._session.feed is not None:
            self.set_timer(max(LEAST_PAUSE, PAUSE_FACTOR * self._counting.spent), self._look_again)

    def _look_again(self) -> None:
        if self._counting.changed:
            self.run_worker(self._count(), group="statistics")
        else:
            self.set_timer(LEAST_PAUSE, self._look_again)
