"""The pages on an attempt: one screen, turned page by page; of a live source they follow the attempt as it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.containers import Vertical

from app.draw import terms
from app.draw.attempt_pages import PAGES, page_index, pages_strip
from app.draw.linked import Linked, page_text
from app.draw.spans import Line
from app.tui.bars import ActionBar
from app.tui.find_bar import FindBar
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.linked_view import LinkedView
from app.tui.pages import PAGE_BINDINGS, TEXT_WIDTH, PageScreen
from app.tui.tab_bar import TabBar
from app.tui.texts import Text
from capture.model import Flow

if TYPE_CHECKING:
    from app.tui.session import Session

TICK: Final = 0.5
"""Seconds between two looks at an attempt that grows."""


class PageStrip(TabBar):
    """The titles of the pages."""

    TURNS = "attempt_page"

    def __init__(self, subject: str) -> None:
        super().__init__(id="page-strip")
        self.chosen = 0
        self._subject = subject

    def line(self) -> Line:
        """Titles and keys."""
        return pages_strip(self.chosen, self._subject, self.size.width)


class AttemptPage(PageScreen, inherit_bindings=False):
    """One of the pages of an attempt; keys turn to another one."""

    BINDINGS: ClassVar = [*PAGE_BINDINGS, *bindings_of(Context.TURNING)]
    OFFERS: ClassVar[tuple[Context, ...]] = (Context.TURNING, Context.PAGE, Context.EVERYWHERE)

    def __init__(self, page: str, flow: Flow, session: Session) -> None:
        super().__init__("", self._draw)
        self._chosen = page_index(page)
        self._flow = flow
        self._session = session
        self._places: dict[int, tuple[int, float]] = {}
        """Cursor and scroll offset of each page that was left."""

    def compose(self) -> ComposeResult:
        """Titles, lines, keys."""
        flow = self._flow
        target = terms.key(flow.key.server_public_key or flow.target)
        with Vertical():
            yield PageStrip(f"{flow.shown_id[:8]}  {terms.address(flow.client)} → {target} ")
            yield LinkedView("page")
            yield FindBar()
            yield ActionBar()

    def on_mount(self) -> None:
        """Work out what is shown, which the base class does next; look for more if the source is live."""
        work_out(self._flow, self._session)
        self.query_one(PageStrip).chosen = self._chosen
        self._entitle()
        if self._session.feed is not None:
            self.set_interval(TICK, self._look)

    def action_turn(self, by: int) -> None:
        """To the next or the previous page, round and round."""
        self._show_page((self._chosen + by) % len(PAGES))

    def action_attempt_page(self, number: int) -> None:
        """To a page by its number, from 1."""
        self._show_page(number - 1)

    def action_turn_to(self, page: str) -> None:
        """To a page by its name."""
        self._show_page(page_index(page))

    def text_here(self) -> Text | None:
        """This page for other programs."""
        title = f"hole-punch attempt {self._flow.shown_id}: {PAGES[self._chosen].heading}"
        return Text(PAGES[self._chosen].title, page_text(title, self._draw(TEXT_WIDTH)))

    def _draw(self, width: int) -> list[Linked]:
        return PAGES[self._chosen].draw(self._flow, self._session.files, width)

    def _show_page(self, index: int) -> None:
        """Turn; each page is found again where it was left."""
        view, strip = self.query_one(LinkedView), self.query_one(PageStrip)
        self._places[self._chosen] = (view.cursor, view.scroll_offset.y)
        self._chosen = strip.chosen = index
        strip.refresh()
        self._entitle()
        view.show(self._draw)
        if index in self._places:
            cursor, top = self._places[index]
            view.cursor = cursor
            view.scroll_to(y=top, animate=False, force=True)
        self.offer()

    def _entitle(self) -> None:
        view = self.query_one(LinkedView)
        view.title = f"{PAGES[self._chosen].heading} · {self._flow.shown_id[:8]} · {self._chosen + 1} of {len(PAGES)}"

    def _look(self) -> None:
        """Show the attempt as it is now, from the same place of the page."""
        now = next((flow for flow in reversed(self._session.flows) if flow.id == self._flow.id), None)
        if now is None or now is self._flow:
            return
        work_out(now, self._session)
        self._flow = now
        self.query_one(LinkedView).show(self._draw, keep=True)


def work_out(flow: Flow, session: Session) -> None:
    """Work out everything that pages show, while nothing grows."""
    with session.held():
        _ = flow.outcome, flow.client_nat, flow.steps, flow.candidates
