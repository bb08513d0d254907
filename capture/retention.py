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

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Final

import numpy as np

from capture.arrays import I64
from capture.collector import collect_all
from capture.model import Flow, Sighting, VerdictCode
from capture.raw import Raw
from capture.table import Kind, PacketTable, Piece

if TYPE_CHECKING:
    from capture.live import LiveSource
    from capture.story import Story

KEEP: Final = 200_000
"""Packets kept unless somebody wants another number: some 150 MB."""
LEAST: Final = 1000
"""Fewest packets that may be asked for."""
SETTLED: Final = 30.0
"""Seconds of silence before which an attempt is not let go: it may go on."""
LOOK_BACK: Final = 120.0
"""Seconds before the newer half: what went on beside an attempt that reaches into it stays, if it ended within them."""
SECRETS: Final = 4096
"""Blocks of key log lines of a live source that are kept, the newest."""
OF_A_STREAM: Final = 1000
"""Packets of each stream of an attempt that stay with it."""
PROOFS: Final = 4096
"""Servers whose keys stay proved, the newest."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """What was let go since the start."""

    packets: int = 0
    attempts: int = 0
    verdicts: Mapping[VerdictCode, int] = field(default_factory=dict)
    """How many of these attempts had which verdict."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to stay."""

    rows: I64
    let_go: LetGo


@dataclass(frozen=True, slots=True)
class Less:
    """A smaller story of the same source, before it takes the place of the other."""

    story: Story
    let_go: LetGo


class Retention:
    """Keeps a live source and its story within a bound, in three parts: `choose`, `build`, `adopt`.

    Nothing may be collected from the first to the last, or what was built has to be thrown away. To build takes about a
    second for a hundred thousand packets, and touches nothing that others see.

    Args:
        story: of that source alone.
        source: where its packets come from.
        most: packets that are kept, about; 0 for all.
        settled: seconds of silence after which an attempt may go.
    """

    def __init__(self, story: Story, source: LiveSource, most: int = KEEP, settled: float = SETTLED) -> None:
        self.let_go = LetGo()
        """What was let go."""
        self.on_adopted: list[Callable[[], None]] = []
        """Called when rows have got other numbers."""
        self._story = story
        self._source = source
        self._most = most
        self._settled = settled
        self._untidy = False

    @property
    def due(self) -> bool:
        """Whether there are more packets than are to be kept."""
        return 0 < self._most < len(self._story.table)

    def step(self, wanted: Callable[[Flow], bool] = lambda _: False) -> None:
        """All three parts at once, if it is due."""
        chosen = self.choose(wanted) if self.due else None
        if chosen is not None:
            self.adopt(self.build(chosen))
        self.tidy()

    def choose(self, wanted: Callable[[Flow], bool] = lambda _: False) -> Chosen | None:
        """Find out what may go; None where that is too little to be worth the trouble.

        Args:
            wanted: which attempts to keep though they are old.
        """
        story = self._story
        table = story.table
        cut = len(table) - self._most // 2
        since = table.time_ns.item(cut) / 1e9
        rows = np.arange(len(table)) >= cut
        rows[np.array(story.proof_rows()[-PROOFS:], np.int64)] = True
        gone: list[Flow] = []
        old = list(takewhile(lambda flow: flow.started < since + self._settled, story.flows))
        # One that reaches over may rest on others that went on beside it, as a path through a blind relay does.
        began = min((flow.started for flow in old if flow.ended >= since - self._settled), default=since)
        least = max(began, since - LOOK_BACK) - self._settled
        for flow in old:
            if flow.ended >= least or wanted(flow):
                rows[np.fromiter(rows_of(flow, table), np.int64)] = True
            else:
                gone.append(flow)
        rows[table.copy_of[np.flatnonzero(rows & (table.copy_of >= 0))]] = True
        kept = np.flatnonzero(rows | ((table.copy_of >= 0) & rows[table.copy_of]))
        left = len(table) - len(kept)
        if left < self._most // 8:
            return None  # it is all attempts that go on: making everything anew for that would never end
        verdicts = Counter(self.let_go.verdicts)
        verdicts.update(flow.verdict.code for flow in gone)
        let_go = LetGo(self.let_go.packets + left, self.let_go.attempts + len(gone), dict(verdicts))
        return Chosen(kept, let_go)

    def build(self, chosen: Chosen) -> Less:
        """Make the smaller story."""
        del self._source.file.secrets[:-SECRETS]
        smaller = picked(self._story.table, chosen.rows)
        smaller.files += self._story.table.files
        return Less(self._story.anew(smaller), chosen.let_go)

    def adopt(self, less: Less) -> None:
        """Let the smaller story take the place of the other; everything that asks the story asks it from now on."""
        self._source.move(less.story.table)
        self._story.become(less.story)
        self.let_go = less.let_go
        self._untidy = True
        for told in self.on_adopted:
            told()

    def tidy(self) -> None:
        """Free what the story was before the last `adopt`, once nobody shows it any more."""
        if self._untidy:
            self._untidy = False
            collect_all()


def picked(table: PacketTable, rows: I64) -> PacketTable:
    """A table of some rows, with copies of their frames. Its files are to be added; a copy needs its primary.

    Args:
        table: where they are.
        rows: ascending.
    """
    new = PacketTable()
    new.host6_numbers(table.hosts6)
    columns = {name: table.stored(name)[rows] for name in table.columns}
    place = np.full(len(table), -1, np.int64)
    place[rows] = np.arange(len(rows))
    again = columns["copy_of"] >= 0
    columns["copy_of"][again] = place[columns["copy_of"][again]]
    frames = [table.frame_bytes(row) for row in rows.tolist()]
    sizes = np.fromiter(map(len, frames), np.int64, len(frames))
    columns["segment"][:] = 0
    columns["frame_at"][:] = np.cumsum(sizes) - sizes
    at = int(sizes.sum())
    for row in sorted(table.pieces.keys() & set(rows.tolist())):
        moved = []
        for piece in table.pieces[row]:
            frames.append(bytes(table.segments[piece.segment].buffer[piece.at : piece.at + piece.length]))
            moved.append(Piece(0, at, *piece[2:]))
            at += piece.length
        new.pieces[int(place[row])] = moved
        new.assembled[int(place[row])] = table.assembled[row]
    new.segments.append(Raw(b"".join(frames)))
    if len(rows):
        new.append(**columns)
    return new


def rows_of(flow: Flow, table: PacketTable) -> set[int]:
    """Rows of every packet that an attempt shows or rests on, without further sightings of them.

    Of each stream the first `OF_A_STREAM` packets: it may be that of a blind relay, and tell that another path came
    later.
    """
    members = flow.members()
    rows = {sighting.row for sighting in _sightings(flow)} | {member.row for member in members.packets}
    for number in {stream.udx_id for stream in members.streams}:
        of_stream = np.flatnonzero((table.kind == Kind.UDX) & (table.udx_id == number))
        rows.update(of_stream[:OF_A_STREAM].tolist())
    return rows


def _sightings(flow: Flow) -> Iterator[Sighting]:
    for message in flow.messages:
        yield message.sighting
        yield from message.copies
    for step in flow.steps:
        yield from step.members
        if step.sighting is not None:
            yield step.sighting
    for nat in (flow.client_nat, flow.server_nat):
        if nat is not None:
            yield from (sample.sighting for sample in nat.samples)
    yield from (one.sighting for one in flow.verdict.evidence)
    if flow.key.proof is not None:
        yield flow.key.proof
