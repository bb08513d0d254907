"""The packets of a story as a filter reads them: the packet table, and what is worked out for whole columns of it."""

from __future__ import annotations

from collections.abc import Iterator
from threading import RLock
from typing import ClassVar, Final, Protocol

import numpy as np

from capture.arrays import I32, I64, U8, U16, Bools
from capture.filter.answers import Answers
from capture.filter.belonging import Belonging, Rows
from capture.filter.checks import Check
from capture.filter.columns import Column, Sparse, Told
from capture.filter.grown import Grown
from capture.filter.peer_values import NO_MODE, errors, modes
from capture.flow import Flow
from capture.flows.wire_columns import HAS_ERROR, HAS_TARGET
from capture.table import Kind, PacketTable
from protocol.constants import Command

INTERNAL: Final = 256
"""Added to the commands of dht-rpc itself, in `Packets.commands`."""
NO_COMMAND: Final = 0xFFFF
MOST_STORIES: Final = 3
"""Stories of which columns are kept."""
_INTERNAL_FLAG: Final = 4


class PacketStory(Protocol):
    """What a filter needs of a story."""

    @property
    def table(self) -> PacketTable:
        """The packets."""
        ...

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The attempts."""
        ...


class Packets:
    """Columns over all packets of a story that the table itself does not have; worked out once, grown with it."""

    _recent: ClassVar[list[Packets]] = []
    """Those of the stories that were asked last. They hold their tables, so there are few, and none of a table that its
    story has given up, as bounded ones do.
    """

    def __init__(self, story: PacketStory) -> None:
        self.story = story
        self.table = story.table
        self.belonging = Belonging(self.table)
        self._answers = Answers(self.table.unmasked)
        self._commands = Grown(np.uint16, NO_COMMAND)
        self._modes = Grown(np.uint8, NO_MODE)
        self._flows: tuple[tuple[Flow, ...], tuple[Flow, ...]] | None = None
        self._lock = RLock()
        """Columns may be worked out in a thread before somebody asks."""

    @classmethod
    def of(cls, story: PacketStory) -> Packets:
        """The columns of a story; the same ones each time."""
        table = story.table
        kept = [one for one in cls._recent if one.story.table is one.table]
        found = next((one for one in kept if one.story is story and one.table is table), None)
        if found is None:
            found = cls(story)
            kept = [*kept[1 - MOST_STORIES :], found]
        cls._recent = kept
        return found

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The attempts of the story; the same tuple as long as none of them changes, also behind a mask."""
        behind: PacketStory = getattr(self.story, "original", self.story)
        now = behind.flows
        if self._flows is None or self._flows[0] is not now:
            self._flows = now, self.story.flows
        return self._flows[1]

    def part(self, start: int = 0, stop: int | None = None, told: Told | None = None) -> Part:
        """A stretch of the packets; all of them if nothing is said.

        Args:
            start: its first row.
            stop: the row after its last.
            told: what checks said of stretches before, and get to say of this one.
        """
        return Part(self, start, len(self.table) if stop is None else stop, told)

    def preparing(self) -> Iterator[None]:
        """Work out what takes long, a little at a time: the attempts and their packets."""
        self.commands()
        yield
        self.modes()
        yield
        yield from self.belonging.learning(self.flows)

    def answered(self) -> I32:
        """For each row the row of the request that it answers, or -1."""
        with self._lock:
            return self._answers.update()

    def commands(self) -> U16:
        """The command of each request, and of the request that each response answers.

        `INTERNAL` is added to those of dht-rpc itself; `NO_COMMAND` stands for anything else.
        """
        with self._lock:
            start, stop = self._commands.rows, len(self.table)
            if start < stop:
                self._add_commands(start, stop)
            return self._commands.values

    def modes(self) -> U8:
        """The mode of each PEER_HANDSHAKE and PEER_HOLEPUNCH; `NO_MODE` for anything else."""
        with self._lock:
            start, stop = self._modes.rows, len(self.table)
            if start < stop:
                self._add_modes(start, stop)
            return self._modes.values

    def members(self) -> Rows:
        """The packets of all attempts."""
        return self.belonging.rows(self.flows)

    def _add_commands(self, start: int, stop: int) -> None:
        fresh = self._commands.reach(stop)
        table = self.table
        requests = np.flatnonzero(table.kind[start:stop] == Kind.REQUEST)
        internal = table.flags[start:stop][requests] & _INTERNAL_FLAG != 0
        fresh[requests] = table.command[start:stop][requests] + np.where(internal, INTERNAL, 0)
        commands = self._commands.values
        answered = self.answered()[start:stop]
        told = np.flatnonzero(answered >= 0)
        fresh[told] = commands[answered[told]]

    def _add_modes(self, start: int, stop: int) -> None:
        commands = self.commands()[start:stop]
        fresh = self._modes.reach(stop)
        rows = np.flatnonzero(commands <= Command.PEER_HOLEPUNCH) + start
        fresh[rows - start] = modes(self.table.unmasked, rows, commands[rows - start] == Command.PEER_HANDSHAKE)


class Part:
    """A stretch of the packets, of which fields give columns."""

    def __init__(self, packets: Packets, start: int, stop: int, told: Told | None = None) -> None:
        self.packets = packets
        self.table = packets.table
        self.start = start
        self.stop = stop
        self.rows = slice(start, stop)
        self.told = told

    @property
    def size(self) -> int:
        """How many packets."""
        return self.stop - self.start

    @property
    def began_ns(self) -> int:
        """Epoch nanoseconds of the first packet of the table."""
        return self.table.time_ns.item(0) if len(self.table) else 0

    @property
    def numbers(self) -> I64:
        """The row numbers."""
        return np.arange(self.start, self.stop)

    def of_members(self, rows: I64, values: Column) -> Sparse:
        """A column of values that members of attempts have, with all further sightings of the same datagrams."""
        table = self.table
        copies = np.flatnonzero(table.copy_of[self.rows] >= 0)
        inside = np.flatnonzero((rows >= self.start) & (rows < self.stop))
        places, index = rows[inside] - self.start, inside
        if copies.size:
            order = np.argsort(rows, kind="stable")
            primaries = table.copy_of[self.rows][copies]
            first = np.searchsorted(rows[order], primaries, "left")
            counts = np.searchsorted(rows[order], primaries, "right") - first
            within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            places = np.concatenate((places, np.repeat(copies, counts)))
            index = np.concatenate((index, order[np.repeat(first, counts) + within]))
        return Sparse(self.size, places, Taken(values, index))

    def kinds(self, kind: Kind) -> I64:
        """Places of the packets of one kind."""
        return np.flatnonzero(self.table.kind[self.rows] == kind)

    def targeted(self) -> tuple[I64, I64]:
        """Places of packets whose request names a target, and the rows of those requests."""
        table = self.table
        kind, flags = table.kind[self.rows], table.flags[self.rows]
        own = np.flatnonzero((kind == Kind.REQUEST) & (flags & HAS_TARGET != 0))
        answered = self.packets.answered()[self.rows]
        told = np.flatnonzero(answered >= 0)
        named = table.flags[answered[told]] & HAS_TARGET != 0
        places = np.concatenate((own, told[named]))
        return places, np.concatenate((own + self.start, answered[told[named]].astype(np.int64)))

    def response_errors(self) -> tuple[I64, I64]:
        """Places of responses that state an error other than none, and the errors."""
        table = self.table
        told = (table.kind[self.rows] == Kind.RESPONSE) & (table.flags[self.rows] & HAS_ERROR != 0)
        rows = np.flatnonzero(told) + self.start
        stated = errors(table.unmasked, rows)
        return rows[stated != 0] - self.start, stated[stated != 0]


class Taken:
    """A column of which some values are taken, by their places, perhaps again and again."""

    def __init__(self, values: Column, index: I64) -> None:
        self._values = values
        self._index = index

    def passes(self, check: Check) -> Bools:
        """Those that pass."""
        return self._values.passes(check)[self._index]

    def present(self) -> Bools:
        """Those that are there."""
        return self._values.present()[self._index]
