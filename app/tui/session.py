"""What the main screen shows: a story, perhaps growing, the filter on it, and its order. No widgets, no clock.

Attempts are worked out when their fields are first read (`capture.flows.deferred`), with what the story holds. So
whoever reads them must not do so while the story takes in packets:

- files: nothing grows; the screens read as they go, and what needs every attempt (counts, filters, sorting) goes in
  slices between which the event loop runs;
- live: `take_in` runs in a thread and works out what a list shows of every attempt that changed before it hands them
  on; the rest, which costs most, of `looked_at` alone, and of others when they are looked at (`work_out`).
"""

from __future__ import annotations

import asyncio
import threading
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from itertools import islice

from app import names
from app.draw.attempt_columns import Reads
from app.draw.attempts import BY_TIME, Order
from app.exit_status import CommandError
from app.tui.ordering import Ordering
from app.tui.outcomes import Outcomes
from app.tui.pace import haste_of
from app.tui.packets_of_story import PacketsOfStory, passing_in_slices
from app.tui.problems_of_story import ProblemsOfStory
from app.tui.story_view import Feed, StoryView
from app.tui.working_out import Grown, draw_it, list_it, passing_of
from capture.collector import Elders, collector_paused, set_aside
from capture.errors import CaptureError
from capture.filter import Filter, parse_filter
from capture.flows.waiting import Haste
from capture.model import FileSummary, Flow
from capture.notes import NO_NOTES, Notes
from capture.retention import Less, Retention

SLICE = 16
"""Attempts that are worked out between two turns of the event loop: some milliseconds."""
SLICES = 32
"""Slices after which the counts on screen are brought up to date."""
DRAWN_SLICE = 2
"""The same as `SLICE` where every packet of an attempt is looked at."""


class Session(ProblemsOfStory, PacketsOfStory):
    """A story and its attempts as they were at the last `refresh`."""

    def __init__(
        self, story: StoryView, feed: Feed | None = None, filter_text: str = "", remarks: tuple[str, ...] = ()
    ) -> None:
        self.story = story
        self.remarks = remarks
        """What is to be said of the keys that were given."""
        self.feed = feed
        self._notes = NO_NOTES
        self.paused = False
        self.trouble = ""
        """Why the feed has ended by itself."""
        self.filter: Filter = parse_filter(filter_text).on(story)
        self.looked_at = ""
        """Id of the attempt that is shown whole."""
        self.seen: tuple[Flow, ...] = ()
        """The attempts whose rows are on screen: where many change at once, these are worked out first."""
        self.latest: float | None = None
        """Time of the newest packet of a live source."""
        self.spent = 0.0
        """Seconds of processor time that `take_in` has taken."""
        self.breathe: Callable[[], Awaitable[None]] = _give_way
        """What nobody waits for gives way by this between its slices."""
        self.cleared: frozenset[str] = frozenset()
        """Ids of attempts that the user has cleared from the list."""
        self._elders = Elders()
        self._lock = threading.RLock()
        self._outcomes = Outcomes()
        self._uncounted: Iterator[Flow] | None = None
        """What `count_some` has not come to yet."""
        self._arrived: set[str] = {flow.id for flow in story.flows} if feed is not None else set()
        self._grown: Grown | None = None
        self._less: Less | None = None
        self.retention: Retention | None = getattr(feed, "retention", None)
        """What keeps the packets of the feed within a bound, if anything does."""
        self.may_let_go = True
        """Whether rows may get other numbers at the next `refresh`: nobody else has taken down any."""
        self.generation = 0
        """Counts how often they did."""
        self.ordering = Ordering(BY_TIME)
        """How the list is sorted."""
        self._orderings = {self.ordering.column.id: self.ordering}
        """By column: what is known of it is kept."""
        self.files: tuple[FileSummary, ...] = story.files
        self.flows: tuple[Flow, ...] = story.flows if feed is None else ()
        """Those that the user has not cleared, oldest first."""
        self.passing: tuple[Flow, ...] = passing_of(self.filter, self.flows)
        """Those of them that pass the filter, oldest first."""
        self.shown: tuple[Flow, ...] = self.passing
        """The same as the list is sorted."""

    @property
    def notes(self) -> Notes:
        """What the user has marked and said."""
        return self._notes

    @notes.setter
    def notes(self, notes: Notes) -> None:
        if notes != self._notes:
            self._notes = notes
            if self.filter.asks_notes:
                self.filter = self.bound(self.filter)
            self.pass_on_notes()

    def bound(self, wanted: Filter) -> Filter:
        """A filter that asks of this story, and of what the user has marked and said."""
        return wanted.on(self.story, self._notes)

    def pass_on_notes(self) -> None:
        """Give notes and names to the recording that is being written, if there is one."""
        take_notes: Callable[[Notes, Mapping[str, str]], None] | None = getattr(self.feed, "take_notes", None)
        if take_notes is None:
            return
        try:
            with self._lock:
                take_notes(self._notes, names.chosen().entries)
        except CommandError as error:
            self.trouble = str(error)

    @property
    def failed(self) -> int:
        """Attempts known to have failed."""
        return self._outcomes.failed

    @property
    def counted(self) -> bool:
        """Whether the outcome of every attempt is known."""
        return len(self._outcomes) >= len(self.flows)

    @property
    def newest_flow(self) -> Flow | None:
        """The newest attempt that is shown."""
        return self.passing[-1] if self.passing else None

    @property
    def waiting(self) -> int:
        """New attempts that are not shown because the list is paused."""
        grown = self._grown
        return 0 if grown is None else max(0, len(grown.flows) - len(self.flows))

    def take_in(self, *, brisk: bool = False) -> None:
        """Poll the feed, let the story grow and work out what changed. Runs in a thread.

        Args:
            brisk: leave to `work_off` what takes longer.
        """
        if self._less is not None and not self.paused:
            return  # what it was made of may not grow before it is adopted
        self._less = None
        with collector_paused(), self._lock, self._timed():
            try:
                if self.feed is not None and not self.trouble:
                    self.feed.poll()
            except (CaptureError, CommandError) as error:
                self.trouble = str(error)
            self._let_grow(haste_of(self.story.waiting, self.seen, brisk=brisk, again=False))
            for flow in self.seen:
                if not flow.worked_out:
                    self._prepare(flow)
            self._elders.look(len(self.table))
        if not brisk:
            self._let_go()

    def work_off(self) -> None:
        """Work out more of what changed, without new packets. Runs in a thread."""
        if self._less is None:
            with collector_paused(), self._lock, self._timed():
                if self.story.waiting:
                    self._let_grow(haste_of(self.story.waiting, (), brisk=False, again=True))
                    self._elders.look(len(self.table))
            self._let_go()

    def _let_go(self) -> None:
        """Go on with what keeps the packets within a bound."""
        with collector_paused(), self._lock, self._timed():
            if self.retention is not None:
                self.retention.tidy()
                if self.may_let_go and not self.paused:
                    self._less = self.retention.work(self._is_wanted, self._prepare_again)
            self._elders.look(len(self.table))

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.thread_time()
        yield
        self.spent += time.thread_time() - began

    def _let_grow(self, haste: Haste) -> None:
        changed = {*self.story.update(haste=haste), *(() if self.flows or self._grown else self._arrived)}
        if not changed:
            return
        if len(self.table):
            self.latest = int(self.table.time_ns[-1]) / 1e9
        self._arrived |= changed
        flows, listed = self.story.flows, self.story.listed
        # What changed is mostly what is new: at the end.
        left = len(changed - listed)
        for flow in reversed(flows) if left else ():
            if flow.id in changed and flow.id not in listed:
                if flow.id not in self.cleared:
                    self._outcomes.note(flow)
                self._prepare(flow)
                if not self.ordering.free:
                    self.ordering.learn(flow)
                left -= 1
                if not left:
                    break
        self._forget(self.story.gone)
        self._grown = self._grow(flows)

    def _is_wanted(self, flow: Flow) -> bool:
        """Whether an attempt has to stay however old it is."""
        notes = self.notes
        return flow.id == self.looked_at or notes.marks_attempt(flow.id) or bool(notes.on_attempt(flow.id))

    def _prepare_again(self, flow: Flow) -> None:
        """The same of a story that has some of the packets: how an attempt ended was counted when it was new."""
        if flow.id == self.looked_at or flow.id not in self._outcomes:
            self._prepare(flow)

    def _prepare(self, flow: Flow) -> None:
        """Work out what is shown of an attempt."""
        list_it(flow)
        if flow.id == self.looked_at:
            draw_it(flow)

    def _adopt(self, retention: Retention, less: Less) -> None:
        """Show what is kept; all attempts are other objects now."""
        retention.adopt(less)
        self._less = None
        self.generation += 1
        ids = {flow.id for flow in self.story.flows}
        self._arrived |= ids
        self._forget_all_but(ids)
        self._grown = self._grow(self.story.flows)

    def _grow(self, flows: tuple[Flow, ...]) -> Grown:
        flows = self._uncleared(flows)
        passing = passing_of(self.filter, flows)
        return Grown(flows, passing, self.ordering.arrange(passing), self.filter, self.ordering)

    def refresh(self) -> frozenset[str]:
        """Adopt what `take_in` brought, unless paused; ids of the attempts that changed since the last call."""
        if self.paused:
            return frozenset()
        with self._lock:
            if self._less is not None and self.retention is not None:
                self._adopt(self.retention, self._less)
            self.files = self.story.files
            grown, self._grown = self._grown, None
            if grown is None:
                return frozenset()
            changed = frozenset(self._arrived)
            self._arrived.clear()
            self.flows = grown.flows
            known = grown.filter is self.filter
            self.passing = grown.passing if known else passing_of(self.filter, grown.flows)
            known = known and grown.ordering is self.ordering
            self.shown = grown.shown if known else self.ordering.arrange(self.passing)
        return changed

    async def count_some(self) -> None:
        """Find out how some more attempts ended, in slices; enough calls make `counted` true."""
        if self._uncounted is None:
            self._uncounted = (flow for flow in self.flows if flow.id not in self._outcomes)
        unknown = list(islice(self._uncounted, SLICES * SLICE))
        if not unknown:
            self._uncounted = None
        for number, flow in enumerate(unknown, 1):
            self._outcomes.note(flow, unless_known=True)
            if number % SLICE == 0:
                await self.breathe()
        if self.feed is None:
            set_aside()

    async def apply(self, wanted: Filter) -> None:
        """Show only attempts that pass, once all have been looked at."""
        wanted, flows = self.bound(wanted), self.flows
        passing: Sequence[Flow]
        if self.feed is not None and wanted.asks_packets:
            passing = await asyncio.to_thread(self._passing_held, wanted, flows)
        else:
            passing = await passing_in_slices(wanted, flows, SLICE)
        self.filter = wanted
        self.passing = tuple(passing) if self.flows is flows else passing_of(wanted, self.flows)
        await self.sort(self.ordering.order)

    def _passing_held(self, wanted: Filter, flows: tuple[Flow, ...]) -> tuple[Flow, ...]:
        """What asks of packets needs the table to stand still."""
        with self._lock:
            return passing_of(wanted, flows)

    async def sort(self, order: Order, told: Callable[[int, int], None] = lambda _done, _total: None) -> None:
        """Sort what is shown; until all of it has been looked at it stays as it was. May be cancelled.

        Args:
            order: by what.
            told: gets the number of attempts that were looked at, and how many there are to be.
        """
        wanted = self._orderings.get(order.column) or Ordering(order)
        self._orderings[order.column] = wanted
        if wanted.order != order:
            wanted = wanted.reversed()
        size = DRAWN_SLICE if wanted.column.reads is Reads.DRAWN else SLICE
        # A live source may grow meanwhile.
        while unknown := wanted.unknown(self.passing):
            for start in range(0, len(unknown), size):
                part = unknown[start : start + size]
                if self.feed is None:
                    self._learn(wanted, part)
                else:
                    await asyncio.to_thread(self._learn, wanted, part)
                told(start + len(part), len(unknown))
                await asyncio.sleep(0)
        with self._lock:
            self.ordering = wanted
            self.shown = wanted.arrange(self.passing)

    def _learn(self, ordering: Ordering, flows: Sequence[Flow]) -> None:
        with self._lock:
            for flow in flows:
                ordering.learn(flow, release=flow.id != self.looked_at)

    def show_story(self, story: StoryView) -> None:
        """Show the same attempts as another story tells them: behind a mask, or without it."""
        with self._lock:
            self.story = story
            self.files = story.files
            told = {flow.id: flow for flow in story.flows}
            self.flows, self.passing, self.shown = (
                tuple(told[flow.id] for flow in flows if flow.id in told)
                for flows in (self.flows, self.passing, self.shown)
            )
            self.filter = self.bound(self.filter)
            self.generation += 1
            if self._grown is not None:
                self._grown = self._grow(story.flows)

    def clear(self, *, keep_passing: bool = False) -> int:
        """Take attempts off the list for good; what is captured stays in memory and in what is saved.

        Args:
            keep_passing: whether those that pass the filter stay.

        Returns:
            How many went.
        """
        with self._lock:
            kept = {flow.id for flow in self.passing} if keep_passing else set()
            every = self.flows if keep_passing else self.story.flows
            gone = {flow.id for flow in every} - kept - self.cleared
            self.cleared |= gone
            self._outcomes.forget(gone)
            if self._grown is not None:
                self._grown = self._grow(self.story.flows)
            self.flows, self.passing, self.shown = map(self._uncleared, (self.flows, self.passing, self.shown))
        return len(gone)

    def number(self, flow: Flow) -> int:
        """Place of an attempt among all that are not cleared, from 1, oldest first; 0 if it is not among them."""
        flows = self.flows
        at = bisect_left(flows, (flow.started, flow.id), key=lambda one: (one.started, one.id))
        return at + 1 if at < len(flows) and flows[at].id == flow.id else 0

    def work_out(self, flow: Flow) -> None:
        """Work out all of an attempt that is about to be shown, and keep it so while it grows."""
        self.looked_at = flow.id
        if self.feed is not None:
            with self._lock:
                draw_it(flow)

    def _uncleared(self, flows: tuple[Flow, ...]) -> tuple[Flow, ...]:
        return tuple(flow for flow in flows if flow.id not in self.cleared) if self.cleared else flows

    def _forget_all_but(self, ids: set[str]) -> None:
        self._forget(self._outcomes.all_but(ids))
        self.cleared &= ids
        for ordering in self._orderings.values():
            ordering.forget_all_but(ids)

    def _forget(self, gone: Set[str]) -> None:
        """A search that has become an attempt goes on under another id."""
        self._outcomes.forget(gone)
        self.cleared -= gone
        for ordering in self._orderings.values():
            ordering.forget(gone)


async def _give_way() -> None:
    await asyncio.sleep(0)
