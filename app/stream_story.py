"""A story of what sensors published, read from their stream to its end."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from app.cli import complain
from app.counts import counted
from app.exit_status import CommandError, ExitStatus
from app.nats_options import bus_of, since_of
from app.reading import keys_of, oddities, useless_keys
from app.redaction import is_wanted
from capture.story import Story

if TYPE_CHECKING:
    from capture.flow import Flow
    from capture.given_keys import Keys
    from capture.sensors.receiving import Receiver, Told
    from capture.table import PacketTable

MOST_NAMED: Final = 100
"""Attempts of other views that are named one by one."""


class StreamStory(Story):
    """A story with what is known of the stream besides packets.

    Args:
        table: the packets.
        keys: keys to open payloads with.
        receiver: reads the stream.
        named: whether attempts may be named that only sensors saw whole.
    """

    def __init__(self, table: PacketTable, keys: Keys, receiver: Receiver, *, named: bool = True) -> None:
        super().__init__(table, keys)
        self._receiver = receiver
        self._named = named

    @property
    def asides(self) -> tuple[str, ...]:
        """What was seen only in part; attempts that only sensors saw whole."""
        return (*super().asides, *self.told)

    def let_go(self, ids: Collection[str]) -> None:
        """Their packets are not missing: they were here."""
        told, gone = self._receiver.told, frozenset(ids)
        for key in [key for key in told if key[1] in gone]:
            del told[key]

    @property
    def told(self) -> tuple[str, ...]:
        """What sensors tell of attempts whose packets are not all here, one sentence each."""
        return tuple(told_otherwise(self._receiver, self.flows, named=self._named))

    @property
    def asides_behind_mask(self) -> tuple[str, ...]:
        """The same without sensors and attempts by name."""
        return (*super().asides, *told_otherwise(self._receiver, self.flows, named=False))


def story_of_stream(options: argparse.Namespace) -> Story:
    """Read all that the stream has; say on standard error what is odd about it.

    Raises:
        CaptureError: the stream can't be read.
        CommandError: options that can't be used, or do not go together.
    """
    from capture.sensors.reading import read_stream, table_of

    if options.files:
        raise CommandError(ExitStatus.USAGE, "--from goes without FILE")
    bus = bus_of(options, options.from_bus)
    keys = keys_of(options)
    receiver = read_stream(bus, since_of(options), complain)
    names = {vantage.file.path for vantage in receiver.vantages}
    for name, _ in options.offset:
        if name not in names:
            raise CommandError(ExitStatus.USAGE, f"--offset {name}: no sensor is called that")
    story = StreamStory(table_of(receiver.vantages, dict(options.offset)), keys, receiver, named=not is_wanted(options))
    for line in (*(f"{bus.name}: {one}" for one in receiver.remarks()), *oddities(story), *useless_keys(story, keys)):
        complain(line)
    return story


def told_otherwise(receiver: Receiver, flows: Iterable[Flow], *, named: bool = True) -> Iterator[str]:
    """What sensors tell of attempts whose packets are not here, or not all of them, one sentence each.

    Where all packets came, what they prove is better than what one sensor saw of them, and nothing is said.

    Args:
        receiver: has read the stream.
        flows: the attempts that came out of the packets.
        named: whether attempts may be named.
    """
    known = {flow.id: str(flow.verdict.code) for flow in flows}
    whole = receiver.whole
    others = [
        told
        for told in receiver.told.values()
        if told.id not in known or (not whole and told.verdict != known[told.id])
    ]
    if named:
        yield from (_sentence(told, known) for told in others[:MOST_NAMED])
    left = len(others) - MOST_NAMED if named else len(others)
    if left > 0:
        more = "more " if named else ""
        yield f"{counted(left, f'{more}verdict')} of sensors are of attempts whose packets are not all here"


def _sentence(told: Told, known: Collection[str]) -> str:
    missing = "not all of its packets are here" if told.id in known else "its packets are not here"
    open_end = "" if told.final else " so far"
    return f"attempt {told.id}: {missing}; sensor {told.sensor} told: {told.verdict} ({told.outcome}){open_end}"
