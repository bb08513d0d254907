"""Packets of a live source on their way into pcapng files; what happens there is put in words."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from app.counts import counted, grouped
from app.exit_status import CommandError, ExitStatus
from app.live_pieces import Pieces, reason_of, unwritable
from app.live_touches import LiveTouches
from capture.disk_ring.bounds import Bounds, together

if TYPE_CHECKING:
    from capture.disk_ring.ring import DiskRing
    from capture.live import LiveSource


def bounds_of(options: argparse.Namespace) -> Bounds:
    """When the next file begins, as the options say.

    Raises:
        CommandError: they don't go together.
    """
    if options.bounds and not options.write:
        raise CommandError(ExitStatus.USAGE, "-b goes with -w, which names the files")
    try:
        return together(options.bounds)
    except ValueError as error:
        raise CommandError(ExitStatus.USAGE, f"-b: {error}") from None


@contextmanager
def saved(options: argparse.Namespace) -> Iterator[DiskRing | None]:
    """The file or files that the options want packets written to, if any.

    Raises:
        CommandError: they can't be written, or the options don't go together.
    """
    bounds = bounds_of(options)
    if not options.write:
        yield None
        return
    inputs: Sequence[tuple[str, str]] = getattr(options, "inputs", ())
    read = [path for kind, path in inputs if kind == "read"]
    for path in (*getattr(options, "files", ()), *read):
        if os.path.exists(path) and os.path.exists(options.write) and os.path.samefile(path, options.write):
            raise CommandError(ExitStatus.USAGE, f"-w {options.write}: that is what is read")
    from capture.disk_ring.ring import DiskRing

    try:
        ring = DiskRing(options.write, bounds)
    except (OSError, ValueError) as error:
        raise unwritable(options.write, error) from None
    try:
        yield ring
    finally:
        ring.close()


class LiveSaving:
    """Writes rows of the table of a live source into a ring.

    Args:
        ring: the files.
        source: where packets come from.

    Raises:
        CommandError: the first file takes nothing.
    """

    def __init__(self, ring: DiskRing, source: LiveSource) -> None:
        from capture.pcapng_writer import PcapngWriter

        self._ring = ring
        self._source = source
        self._pieces = Pieces()
        self._writer = PcapngWriter(cast("BinaryIO", self._pieces))
        self._interfaces: dict[tuple[int, int], int] = {}
        self._touches = LiveTouches(source.file)
        self._told = ""
        self._latest_ns = 0
        self._missing = self._told_elsewhere = 0
        """Packets that the files say are missing: all of them together, and those before the present one."""
        self._telling = ""
        """The file that says so now."""
        try:
            ring.begin(self._pieces.taken())
        except OSError as error:
            raise unwritable(ring.path, error) from None
        ring.on_end = self._late_touches

    @property
    def lost(self) -> int:
        """Packets that were not written."""
        return self._ring.lost

    @property
    def trouble(self) -> str:
        """What is wrong with writing now; empty if nothing is."""
        error = self._ring.error
        if error is None:
            return ""
        return f"{self._ring.path} can't be written: {reason_of(error)}; {counted(self.lost, 'packet')} not written"

    def changes(self) -> Iterator[str]:
        """What began or ended since the last call, as sentences for standard error."""
        now = "" if self._ring.error is None else reason_of(self._ring.error)
        if now and now != self._told:
            yield f"{self._ring.path} can't be written: {now}; watching goes on, what is not written is counted"
        elif self._told and not now:
            yield f"writing goes on in {self._ring.writing}; {counted(self.lost, 'packet')} were not written"
        self._told = now

    def remarks(self) -> Iterator[str]:
        """What became of old files of a ring besides what was asked for, one sentence each."""
        ring = self._ring
        if ring.given_up:
            yield f"{counted(ring.given_up, 'file')} of the ring went before their time, to make room on a full disk"
        if ring.stuck:
            yield f"{grouped(ring.stuck)} old files of the ring could not be removed"

    def write(self, rows: range) -> None:
        """Write packets."""
        if not rows:
            return
        from capture.disk_ring.packet_blocks import packet_blocks

        table = self._source.table
        self._describe()
        in_pieces = table.pieces and not table.pieces.keys().isdisjoint(rows)
        if in_pieces or self._source.file.touches is not None:
            blocks, frames = self._one_by_one(rows)
        else:
            blocks, frames = packet_blocks(table, rows, self._interfaces)
            self._ring.lost += len(rows) - len(blocks)  # pcapng has no time before 1970
        self._ring.write(blocks, frames)
        self._latest_ns = max(0, table.time_ns.item(rows[-1]))
        self._tell_missing()

    def _one_by_one(self, rows: range) -> tuple[list[bytes], list[int]]:
        """Packets that may have several frames, and comments."""
        from capture.frame_rows import frames_of

        table, frames = self._source.table, []
        for frame in frames_of(table, rows):
            if frame.time_ns < 0:
                self._ring.lost += 1
                continue
            frames.append(table.frame.item(frame.row))
            interface, comments = self._interfaces[frame.file, frame.interface], self._touches.comments(frames[-1])
            self._writer.add_packet(interface, frame.time_ns, frame.data, frame.wire_length, comments, frame.direction)
        return self._pieces.taken(), frames

    def finish(self) -> None:
        """End the last file."""
        self._tell_missing()
        self._ring.close()

    def _describe(self) -> None:
        """A source that is fed by many hosts may come to have more interfaces."""
        files = self._source.table.files
        for number, file in enumerate(files):
            for index, interface in enumerate(file.interfaces):
                if (number, index) not in self._interfaces:
                    of_many = file.path if len(files) > 1 else ""
                    self._interfaces[number, index] = self._writer.add_interface(
                        interface.linktype, interface.name, of_many, comment=interface.comment
                    )
                    self._ring.describe(self._pieces.taken()[0])

    def _tell_missing(self) -> None:
        """Have each file say how many packets are missing in it, or were before it, and in no other file."""
        missing = self._ring.lost + sum(file.dropped or 0 for file in self._source.table.files)
        if missing == self._missing:
            return
        if self._ring.writing != self._telling:
            self._telling, self._told_elsewhere = self._ring.writing, self._missing
        self._writer.add_statistics(0, self._latest_ns, missing - self._told_elsewhere)
        if self._ring.add(self._pieces.taken()[0]):
            self._missing = missing

    def _late_touches(self) -> list[bytes]:
        """What was done to packets of a file after they were written: comments on sections at its end."""
        from capture.pcapng_writer import PcapngWriter

        for comments in self._touches.rest(self._ring.last_frame, self._ring.packets):
            PcapngWriter(cast("BinaryIO", self._pieces), comments)
        return self._pieces.taken()
