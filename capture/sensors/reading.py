"""What a stream has now, as a packet table: read as if each sensor's packets were a capture file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np

from capture.duplicates import mark_copies
from capture.frames import CHUNK
from capture.ingest import Ingest
from capture.sensors.bus import Bus
from capture.sensors.receiving import Receiver
from capture.sensors.stream_reader import Since, StreamReader
from capture.sensors.vantage import Vantage
from capture.table import PacketTable
from capture.vantages import merge_vantages

_LOOK: Final = 0.5
"""Seconds between two looks at what came."""


def read_stream(bus: Bus, since: Since, told: Callable[[str], None] = lambda _: None) -> Receiver:
    """Take in all that a stream has now.

    Args:
        bus: which stream.
        since: where to begin.
        told: told when the connection goes or comes back; until it does, this waits.

    Raises:
        BusError: the stream can't be read.
    """
    receiver = Receiver(bus.stream, from_start=since.everything)
    reader = StreamReader(bus, since, until_now=True)
    reader.start()
    trouble: str | None = None
    try:
        while True:
            ended = reader.ended
            for delivered in reader.take():
                receiver.take(delivered)
            if reader.trouble != trouble:
                trouble = reader.trouble
                told(f"{bus.server}: {'connected again' if trouble is None else f'{trouble}; trying again'}")
            if ended:
                break
            reader.wait(_LOOK)
    finally:
        reader.stop()
    receiver.finish()
    receiver.say()
    return receiver


def table_of(vantages: Iterable[Vantage], ahead: Mapping[str, float] | None = None) -> PacketTable:
    """One table of what waits at some vantages, as `capture.opening.open_captures` makes it of files.

    Args:
        vantages: what came.
        ahead: by how many seconds the clocks of some, by name, are known to be ahead of the first one's.
    """
    table = PacketTable()
    vantages = sorted(vantages, key=lambda one: one.order)
    for vantage in vantages:
        file = vantage.file
        ingest = Ingest(table, file)
        start = len(table)
        waiting = vantage.take()
        if waiting is not None:
            frames = waiting.in_order().frames()
            table.segments.append(frames.window.raw)
            for low in range(0, frames.number.size, CHUNK):
                rows = np.arange(low, min(low + CHUNK, frames.number.size))
                ingest.add(len(table.segments) - 1, frames.pick(rows))
        ingest.finish()
        file.duplicates = mark_copies(table, start, len(table), start, file.knowledge)
    ahead = ahead or {}
    ahead_ns = {n: round(ahead[file.path] * 1e9) for n, file in enumerate(table.files) if file.path in ahead}
    if len(table.files) > 1 or ahead_ns:
        merge_vantages(table, ahead_ns)
    return table
