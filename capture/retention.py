"""A bound on what a live source keeps: whole attempts go, the oldest first, and are counted by their verdicts.

Rows of a packet table have fixed numbers that everything else rests on. So nothing is taken out of a table: what stays
is copied into a new one, and a new story is made of that, once for every half of the bound. Frames keep their numbers.

| stays | because |
|---|---|
| the newer half of the packets that are allowed | that is where attempts go on |
| every packet of an attempt that reaches into it | its verdict rests on all of them |
| attempts that went on beside such a one | one may rest on another, as the path through a blind relay does |
| every packet of an attempt that somebody wants kept | it is on screen, marked, or was not told yet |
| packets that prove a server's key | later attempts to it are opened with it |
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from capture.arrays import I64
from capture.clock_jumps import steady_times
from capture.collector import collect_all
from capture.flows.waiting import Haste
from capture.kept_rows import Picking, ends_of, rows_of, rows_of_streams
from capture.let_go import Ledger, LetGo, Line, line_of
from capture.model import Flow, Outcome

if TYPE_CHECKING:
    from capture.live import LiveSource
    from capture.several.sources import SeveralSources
    from capture.story import Story
    from capture.table import PacketTable

KEEP: Final = 200_000
"""Packets kept unless somebody wants another number: some 150 MB."""
KEEP_BYTES: Final = 512 << 20
"""Bytes of frames that are kept where packets are: 200000 of the largest would be 13 GB."""
LEAST: Final = 1000
"""Fewest packets that may be asked for."""
REST: Final = 10.0
"""Seconds of traffic from one smaller story to the next: where more comes in them than is to be kept, what went on in
the last half minute stays anyway, and to copy it all the time would take more than to take in what comes."""
MUCH_MORE: Final = 8
"""Times as many packets as are to be kept, above which there is no rest."""
SETTLED: Final = 30.0
"""Seconds of silence before which an attempt is not let go: it may go on."""
UNSETTLED: Final = 61.0
"""The same where nothing tells yet how it ended: by then silence does."""
LOOK_BACK: Final = 120.0
"""Seconds before the newer half: what went on beside an attempt that reaches into it stays, if it ended within them."""
OF_AN_ATTEMPT: Final = 20_000
"""Packets of one attempt that stay, at least, the first and the last half: no real one has more."""
SECRETS: Final = 4096
"""Blocks of key log lines of a live source that are kept, the newest."""
TRANSLATIONS: Final = 1 << 13
"""What packets proved of ways through NATs, and how many of these stay known, at least: the last to be proved."""
PROOFS: Final = 4096
"""Servers whose keys stay proved, the newest."""
PATIENCE: Final = 40
"""Looks after which no screen shows any more what was let go."""
LITTLE: Final = 24
"""What one call of `Retention.work` does: so many attempts looked at, or fifty times as many rows copied and joined."""
_AT_ONCE: Final = 5000
"""Rows that are merged again and joined at once."""
_ROWS: Final = 1000
"""Rows that are copied at once."""
_HASTE: Final = Haste(16)
"""What changed last is worked out when the story is looked at."""
_LOOK, _READY, _ROWS_FOR_ONE = 1, 2, 50
"""Costs of looking at an attempt and of preparing one; rows that are copied and joined at the cost of 1."""


class _Old(NamedTuple):
    """An attempt that may go, and when it began and ended, by a clock that never went back."""

    flow: Flow
    started: float
    ended: float


class _Chosen(NamedTuple):
    """What is to stay, and which attempts are not."""

    rows: I64
    gone: list[Flow]
    seen: int
    """Rows that were there to choose from."""


@dataclass(frozen=True, slots=True)
class Less:
    """A smaller story of the same source, before it takes the place of the other."""

    story: Story
    packets: int
    """How many were let go for it."""
    gone: list[Line]
    """The attempts that were."""


class Retention:
    """Keeps a live source and its story within a bound: `work` makes a smaller story, `adopt` shows it.

    To make one for a hundred thousand packets takes seconds, so it is done a little with each look at the source, which
    goes on meanwhile: what comes is added to both. Nothing may be collected between a `work` that returned a story and
    its `adopt`, or what was made has to be thrown away.

    Args:
        story: of that source alone.
        source: where its packets come from.
        most: packets that are kept, about; 0 for all. While a smaller story is made there are more.
        settled: seconds of silence after which an attempt may go.
        several: the source, if its table is to be merged again now and then: that takes the same way.
        most_bytes: bytes of frames that are kept, about, if any bound is: where packets are large, fewer of them stay.
    """

    def __init__(
        self,
        story: Story,
        source: LiveSource,
        most: int = KEEP,
        settled: float = SETTLED,
        several: SeveralSources | None = None,
        most_bytes: int = KEEP_BYTES,
    ) -> None:
        self.let_go = LetGo()
        """How much was let go."""
        self.ledger = Ledger()
        """What stays of the attempts that were."""
        self.on_adopted: list[Callable[[], None]] = []
        """Called when rows have got other numbers."""
        self._story = story
        self._source = source
        self._packets = most
        self._most_bytes = most_bytes
        self._weighed = 0, 0
        """Segments of the table whose bytes were counted, and how many there are."""
        self._settled = settled
        self._several = several
        self._making: Iterator[int] | None = None
        self._made: Less | None = None
        self._known = 0
        """Rows at the last `work`."""
        self._adopted_ns = -(1 << 62)
        """When the last packet had come at the last `adopt`."""
        self._not_before = 0
        """Packets below which it is not worth the trouble."""
        self._former: Iterator[None] | None = None
        self._left: list[weakref.ref[PacketTable]] = []
        """Tables before an `adopt`, as long as anything holds on to them."""
        self._patience = 0

    @property
    def _most(self) -> int:
        """Packets that are kept, large as they are; 0 for all."""
        segments, (counted, size) = self._story.table.segments, self._weighed
        size += sum(segment.size for segment in segments[counted:])
        self._weighed = len(segments), size
        if not self._packets or size <= self._most_bytes:
            return self._packets
        return min(self._packets, max(1, len(self._story.table) * self._most_bytes // size))

    @property
    def due(self) -> bool:
        """Whether there are more packets than are to be kept, and it is not too soon after the last time."""
        table, most = self._story.table, self._most
        if not 0 < most < len(table):
            return False
        passed_ns = table.time_ns.item(-1) - self._adopted_ns
        return len(table) > MUCH_MORE * most or not 0 <= passed_ns < REST * 1e9

    @property
    def _to_be_remade(self) -> bool:
        return self._several is not None and self._several.to_be_remade

    @property
    def busy(self) -> bool:
        """Whether a story is being made, or one is to be made of several sources: it is worth looking on."""
        return self._making is not None or self._to_be_remade

    def step(self, wanted: Callable[[Flow], bool] = lambda _: False) -> None:
        """Do all of it at once, if it is due."""
        less = self.work(wanted, little=1 << 62)
        if less is not None:
            self.adopt(less)
            while self._former is not None:
                self.tidy()

    def work(
        self,
        wanted: Callable[[Flow], bool] = lambda _: False,
        prepare: Callable[[Flow], None] = lambda _: None,
        little: int = LITTLE,
    ) -> Less | None:
        """Go on making a smaller story if one is due; the story once it has everything.

        Args:
            wanted: which attempts to keep though they are old.
            prepare: works out what has to be known of each of its attempts before it is shown.
            little: how much to do.
        """
        if self._making is None:
            if self._to_be_remade:
                self._making = self._make_again(prepare)
            elif self.due and len(self._story.table) >= self._not_before:
                self._making = self._make(wanted, prepare)
            else:
                return None
            self._known = len(self._story.table)
        # The further above the bound, the more is done; and never less than it takes to catch up with what comes.
        rows = len(self._story.table)
        over = max(rows - self._most, 0)
        little = little + (2 * little * over // self._most if self._most else 0) + (rows - self._known) // 10
        self._known = len(self._story.table)
        for cost in self._making:
            little -= cost
            if little <= 0:
                return None
        made, self._making, self._made = self._made, None, None
        return made

    def adopt(self, less: Less) -> None:
        """Let the smaller story take the place of the other; everything that asks the story asks it from now on."""
        old, new = self._story.table, less.story.table
        if len(old):
            self._adopted_ns = old.time_ns.item(-1)
        self._source.move(new)
        numbers = {host: number for number, host in enumerate(new.hosts6)}
        for file in new.files:
            file.knowledge.renumber(lambda number: numbers.get(old.hosts6[number]))
        self._left.append(weakref.ref(old))
        self._weighed = 0, 0
        self._former = self._story.become(less.story)
        self.ledger.add(less.gone)
        self._story.let_go([line.id for line in less.gone])
        attempts, verdicts = self.let_go.attempts + len(less.gone), Counter(self.let_go.verdicts)
        verdicts.update(line.code for line in less.gone)
        self.let_go = LetGo(self.let_go.packets + less.packets, attempts, dict(verdicts))
        for told in self.on_adopted:
            told()

    def tidy(self) -> None:
        """Free some of what the story was before the last `adopt`; to be called with each look from then on.

        Mostly it is gone when the circles within it are broken. Where a screen that was left still holds on to an
        attempt of it, only Python's collector finds that out.
        """
        if self._former is not None and next(self._former, self) is self:
            self._former = None
        self._left = [table for table in self._left if table() is not None]
        self._patience = self._patience + 1 if self._left else 0
        if self._patience > PATIENCE:
            collect_all()
            self._left.clear()

    def _make(self, wanted: Callable[[Flow], bool], prepare: Callable[[Flow], None]) -> Iterator[int]:
        """Make a smaller story; gives what each part cost."""
        old = self._story
        chosen: _Chosen | None = None
        for cost in self._choose(wanted):
            if isinstance(cost, _Chosen):
                chosen = cost
            else:
                yield cost
        if chosen is None:
            # It is all attempts that go on: making everything anew for that would never end.
            self._not_before = len(old.table) + self._most // 8
            return
        gone: dict[str, tuple[Flow, Line]] = {}
        for one in chosen.gone:
            gone[one.id] = one, line_of(one)
            yield _LOOK
        for file in old.table.files:
            del file.secrets[:-SECRETS]
            file.knowledge.shrink(TRANSLATIONS)
        picking = Picking(old.table)
        # The same list: sensors may turn up meanwhile.
        picking.new.files = old.table.files
        given, new = old.given, old.anew(picking.new)
        rows, seen = chosen.rows, chosen.seen
        waiting: dict[str, None] = {}
        while True:
            if seen < len(old.table):
                rows, seen = np.concatenate((rows, np.arange(seen, len(old.table)))), len(old.table)
            if len(rows):
                part, rows = rows[:_ROWS], rows[_ROWS:]
                picking.add(part)
                waiting.update(dict.fromkeys(new.update(haste=_HASTE)))
                yield 1 + len(part) // _ROWS_FOR_ONE
                continue
            if not waiting:
                break
            flows = {flow.id: flow for flow in new.flows}
            while waiting and seen == len(old.table):
                flow = flows.get(waiting.popitem()[0])
                if flow is not None:
                    prepare(flow)
                    yield _READY
        if given != old.given or any(map(wanted, chosen.gone)):
            return  # somebody knows more by now, or wants one of those: from the start again
        lines = _brought_up_to_date(gone, old)
        if lines is not None:
            self._made = Less(new, len(old.table) - len(new.table), lines)

    def _make_again(self, prepare: Callable[[Flow], None]) -> Iterator[int]:
        """Make a story of the same packets, merged anew; gives what each part cost."""
        assert self._several is not None
        old, part = self._story, _ROWS if len(self._story.table) > _AT_ONCE else 1 << 62
        again = self._several.remake()
        yield 1 + len(old.table) // _ROWS_FOR_ONE
        given, new = old.given, old.anew(again.new)
        waiting: dict[str, None] = {}
        while True:
            if added := again.add(part):
                waiting.update(dict.fromkeys(new.update()))
                yield 1 + added // _ROWS_FOR_ONE
                continue
            if not waiting:
                break
            flows = {flow.id: flow for flow in new.flows}
            while waiting and again.complete:
                flow = flows.get(waiting.popitem()[0])
                if flow is not None:
                    prepare(flow)
                    yield _READY
        if given == old.given:
            self._made = Less(new, 0, [])

    def _choose(self, wanted: Callable[[Flow], bool]) -> Iterator[int | _Chosen]:
        """Find out what may stay; nothing where too little may go."""
        story = self._story
        table, seen = story.table, len(story.table)
        cut = seen - self._most // 2
        times, went_back = steady_times(table, seen)
        since, now = times.item(cut) / 1e9, times.item(-1) / 1e9
        old: list[_Old] = []
        for flow in story.flows:
            one = _Old(flow, flow.started, flow.ended)
            if went_back:
                # The clock went back: what its packets say tells nothing, but where they lie does.
                places = times[[row for row in rows_of(flow)[0] if row < seen]]
                one = _Old(flow, int(places.min()) / 1e9, int(places.max()) / 1e9)
                yield _LOOK
            elif flow.started >= since + self._settled:
                break
            if one.started < since + self._settled:
                old.append(one)
        proofs = story.proof_rows()[-PROOFS:]
        # One that reaches over may rest on others that went on beside it, as a path through a blind relay does.
        began = min((one.started for one in old if one.ended >= since - self._settled), default=since)
        least = max(began, since - LOOK_BACK) - self._settled
        kept: set[int] = set(proofs)
        streams: set[int] = set()
        gone: list[Flow] = []
        for flow, _, ended in old:
            goes_on = now - ended < UNSETTLED and flow.outcome is Outcome.UNKNOWN
            if ended >= least or goes_on or wanted(flow):
                of_flow, ids = rows_of(flow)
                kept.update(ends_of(of_flow, max(OF_AN_ATTEMPT, self._most // 8)))
                streams |= ids
                yield _LOOK
            else:
                gone.append(flow)
        rows = np.arange(seen) >= cut
        # The table may have grown meanwhile.
        for found in (np.fromiter(kept, np.int64), rows_of_streams(table, streams)):
            rows[found[found < seen]] = True
        copy_of = table.copy_of[:seen]
        rows[copy_of[np.flatnonzero(rows & (copy_of >= 0))]] = True
        stay = np.flatnonzero(rows | ((copy_of >= 0) & rows[copy_of]))
        if seen - len(stay) >= self._most // 8:
            yield _Chosen(stay, gone, seen)


def _brought_up_to_date(gone: Mapping[str, tuple[Flow, Line]], story: Story) -> list[Line] | None:
    """What stays of attempts, by what is known of them now; None where one of them goes on."""
    now = {flow.id: flow for flow in story.flows if flow.id in gone}
    lines = []
    for flow_id, (before, line) in gone.items():
        flow = now.get(flow_id)
        if flow is None or flow.ended != before.ended:
            return None
        lines.append(line if flow is before else line_of(flow))
    return lines
