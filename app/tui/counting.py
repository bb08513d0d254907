"""Counts the attempts that are shown, in slices between which the event loop runs, and again as they change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Final

from capture.collector import collector_paused
from capture.figures import FlowFigures, figures_of
from capture.let_go import NOTHING, Totals
from capture.statistics import Statistics, statistics_of

if TYPE_CHECKING:
    from app.tui.session import Session
    from capture.model import Flow

SLICE: Final = 0.008
"""Seconds of work between two turns of the event loop."""
TELL: Final = 0.25
"""Seconds between two words on how far it is."""


class Counting:
    """Keeps the figures of each attempt, so that only those that changed are looked at again."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, tuple[Flow, FlowFigures]] = {}
        self._gone = 0
        """Attempts that were let go and are counted."""
        self.spent = 0.0
        """Seconds that the last count took, waits included."""

    @property
    def changed(self) -> bool:
        """Whether other attempts are shown now than were counted."""
        passing = self._session.passing
        if self._let_go().attempts != self._gone:
            return True
        return len(passing) != len(self._known) or any(self._of(flow) is None for flow in passing)

    async def count(self, told: Callable[[int, int], None] = lambda _done, _total: None) -> Statistics:
        """Count what is shown now.

        Args:
            told: gets the number of attempts that were looked at, and how many there are.
        """
        began = time.monotonic()
        passing = self._session.passing
        kept: dict[str, tuple[Flow, FlowFigures]] = {}
        told_at = began
        at = 0
        while at < len(passing):
            at = self._slice(passing, at, kept)
            now = time.monotonic()
            if now - told_at > TELL:
                told_at = now
                told(at, len(passing))
            await asyncio.sleep(0)
        self._known = kept
        figures = [one for _, one in kept.values()]
        let_go = self._let_go()
        self._gone = let_go.attempts
        counted = await asyncio.to_thread(_summed, figures, let_go)
        self.spent = time.monotonic() - began
        return counted

    def _let_go(self) -> Totals:
        """Attempts that are gone: of them nothing can be asked, so that no filter lets them pass."""
        session = self._session
        if session.retention is None or session.filter.text.strip():
            return NOTHING
        return session.retention.ledger.totals()

    def _slice(self, passing: tuple[Flow, ...], at: int, kept: dict[str, tuple[Flow, FlowFigures]]) -> int:
        """Look at some more attempts; gives the index of the next."""
        with self._session.held():
            until = time.monotonic() + SLICE
            for flow in islice(passing, at, None):
                kept[flow.id] = (flow, self._of(flow) or figures_of(flow))
                at += 1
                if time.monotonic() > until:
                    break
        return at

    def _of(self, flow: Flow) -> FlowFigures | None:
        """The figures of an attempt, unless it changed since."""
        known = self._known.get(flow.id)
        return known[1] if known is not None and known[0] is flow else None


def _summed(figures: list[FlowFigures], let_go: Totals) -> Statistics:
    # Nothing of what is made meanwhile is a cycle, and the collector would stop the screen to find that out.
    with collector_paused():
        return statistics_of(figures, let_go)
