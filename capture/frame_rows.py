"""Frames behind rows of a packet table, as the writers put them into files: the original bytes, in order of time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from capture.table import PacketTable, Piece

Target = str | Path | BinaryIO


class Frame(NamedTuple):
    """One frame to write."""

    time_ns: int
    file: int
    interface: int
    data: bytes
    wire_length: int
    row: int
    direction: int = 0
    """Which way it passed, as `capture.direction.Passage`; 0: not known."""


def frames_of(table: PacketTable, rows: Iterable[int]) -> list[Frame]:
    """The frames of some rows in order of time; a datagram that came in fragments has several."""
    found: list[Frame] = []
    for row in dict.fromkeys(int(row) for row in rows):
        file, direction = int(table.file[row]), int(table.direction[row])
        for piece in table.pieces.get(row, ()):
            found.append(_piece(table, piece, file, row)._replace(direction=direction))
        data, wire_length = table.whole_frame(row)
        interface = int(table.interface[row])
        found.append(Frame(int(table.time_ns[row]), file, interface, data, wire_length, row, direction))
    found.sort(key=lambda frame: frame.time_ns)
    return found


def _piece(table: PacketTable, piece: Piece, file: int, row: int) -> Frame:
    data = bytes(table.segments[piece.segment].buffer[piece.at : piece.at + piece.length])
    time_ns = piece.time_ns - int(table.ahead_ns[row])
    return Frame(time_ns, file, piece.interface, data, piece.wire_length, row)


@contextmanager
def opened(target: Target, *, private: bool = False) -> Iterator[BinaryIO]:
    """A file to write; a path is created anew, readable by its owner only if `private`."""
    if not isinstance(target, str | Path):
        yield target
        return
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        if private:
            os.fchmod(descriptor, 0o600)  # it may have been there before, open to all
        yield stream
