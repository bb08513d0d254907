"""A packet table that grows with a capture that is still being written.

A thread takes bytes from their source; whoever owns the table has them read when it suits, by the same code that reads
whole files, up to the last record that is complete. Nothing is dropped: while a lot waits, no more is taken, and the
one who writes has to wait, or to drop packets and count them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from capture.capture_file import CaptureFile
from capture.clock_jumps import ClockWatch
from capture.copies_of_new import mark_new_copies
from capture.errors import CaptureError, LiveError
from capture.frames import Frames
from capture.growing.again import AgainBytes
from capture.ingest import Ingest
from capture.opening import PCAPNG, reader_of
from capture.pcap import FILE_HEADER, is_pcap
from capture.pcapng_blocks import MAX_BLOCK, section_size
from capture.raw import Raw
from capture.said import Said
from capture.shedding import shed
from capture.table import PacketTable

if TYPE_CHECKING:
    from capture.frames import FrameReader
    from capture.growing.bytes import ByteSource

MAX_WAITING_BYTES: Final = 64 << 20
"""Bytes that may wait to be read."""


class EndedError(LiveError):
    """A growing capture is over."""


class GrowingCapture:
    """One such capture, from `start` to `stop`; a live source like any (`capture.live.LiveSource`)."""

    def __init__(self, source: ByteSource, table: PacketTable | None = None) -> None:
        """Nothing is read before `start`.

        Args:
            source: where bytes come from; closed by `stop`.
            table: where rows go; a new one by default.
        """
        self.table = PacketTable() if table is None else table
        self.file = CaptureFile(source.name, "pcap", interfaces=[])
        self.error: LiveError | None = None
        """Why it ended by itself."""
        self.way = source.way
        """How bytes come here, in a word or two."""
        self.promiscuous: bool | None = source.promiscuous
        """Whether frames for other hosts are taken too; None where nothing tells."""
        self._source = source
        self._ingest = Ingest(self.table, self.file)
        self._first_row = len(self.table)
        self._clock = ClockWatch(self.file)
        self._unread = b""
        self._reader: FrameReader | None = None
        self._packets_before = self._interfaces_before = self._others = 0
        self._notes_before: list[str] = []
        self._dropped_before = 0
        self._parts = 1
        self._room = threading.Condition()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._end: LiveError | None = None
        self._stopping = False
        self._arrived = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"reading {source.name}", daemon=True)

    def start(self) -> None:
        """Begin to take bytes."""
        self._thread.start()

    def stop(self) -> None:
        """End it, and read what came. May be called again."""
        if self._stopping:
            return
        with self._room:
            self._stopping = True
            self._room.notify()
        if self._thread.is_alive():
            self._source.wake()
            self._thread.join()
        self.collect()
        self._end_part()
        self._source.close()

    def __enter__(self) -> GrowingCapture:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def move(self, table: PacketTable) -> None:
        """Go on in another table, which has some of the rows."""
        self.table = table
        self._first_row = 0
        self._ingest.move(table)

    @property
    def stopped(self) -> str:
        """Why nothing comes until `start_again`; empty while something may."""
        return self._source.trouble if isinstance(self._source, AgainBytes) else ""

    def start_again(self) -> None:
        """Have what brings the bytes started again, where that is possible; wait until it has begun.

        Raises:
            CaptureError: it can't be started.
        """
        if isinstance(self._source, AgainBytes):
            self._source.start_again()

    def wait_for_first(self) -> None:
        """Wait until something has come, or it is clear that nothing will."""
        self._arrived.wait()

    def wait(self, timeout: float) -> bool:
        """Wait until bytes have come that were not read, at most `timeout` seconds; whether there are some."""
        return self._arrived.wait(timeout)

    def collect(self) -> range:
        """Read what has come into the table; the numbers of the new rows."""
        with self._room:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            self._arrived.clear()
            end = self._end
            self._room.notify()
        before = len(self.table)
        start = 0
        for index, piece in enumerate(waiting):
            if not piece:
                self._read(b"".join(waiting[start:index]))
                self._begin_part()
                start = index + 1
        self._read(b"".join(waiting[start:]))
        if len(self.table) > before:
            back = self._clock.look(self.table, before)
            self._first_row = self._first_row if back is None else back
            mark_new_copies(self.table, self.file, before, self._first_row)
        if self.error is None and end is not None:
            self._end_part()
            self.error = end
        return range(before, len(self.table))

    def _run(self) -> None:
        name = self._source.name
        try:
            while (piece := self._source.read()) is not None:
                with self._room:
                    self._room.wait_for(lambda: self._waiting_bytes < MAX_WAITING_BYTES or self._stopping)
                    self._waiting.append(piece)
                    self._waiting_bytes += len(piece)
                self._arrived.set()
            if not self._stopping:
                self._end = EndedError(name, "has ended")
        except LiveError as error:
            self._end = error
        except OSError as error:
            self._end = LiveError(name, (error.strerror or str(error)).lower())
        self._arrived.set()

    def _read(self, data: bytes) -> None:
        """Read on, up to the last whole record."""
        if not data or self.error is not None:
            return
        content = self._unread + data if self._unread else data
        try:
            reader = self._reader_on(content)
        except CaptureError as error:
            self.error = LiveError(error.path, error.reason)
            return
        if reader is None:
            self._unread = content
            return
        raw, findings = reader.raw, reader.findings
        first, fragments = len(self.table), self.file.fragments
        self.table.segments.append(raw)
        for frames in reader.batches():
            self.file.interfaces[self._interfaces_before :] = findings.interfaces
            self._ingest.add(len(self.table.segments) - 1, self._placed(frames))
        if self.file.fragments == fragments:
            shed(self.table, first)
        self._take_over(reader)
        rest = findings.rest
        self._unread = b"" if rest is None else content[rest:]
        if findings.damage and rest is None:
            self.file.truncated = findings.damage
            self.error = LiveError(self._source.name, findings.damage)

    def _reader_on(self, content: bytes) -> FrameReader | None:
        """A reader that continues with these bytes; None while they hold no whole header."""
        if self._reader is not None:
            self._reader.go_on(Raw(content, self._source.name))
        elif _is_begun(content):
            self._reader = reader_of(Raw(content, self._source.name), self._source.name)
            self.file.format = self._reader.findings.format
        return self._reader

    def _placed(self, frames: Frames) -> Frames:
        """The frames, counted on from the captures before."""
        if not self._packets_before and not self._interfaces_before:
            return frames
        return frames._replace(
            interface=frames.interface + frames.interface.dtype.type(self._interfaces_before),
            number=frames.number + self._packets_before,
        )

    def _take_over(self, reader: FrameReader) -> None:
        """What the reader has found so far besides frames."""
        file, findings = self.file, reader.findings
        file.interfaces[self._interfaces_before :] = findings.interfaces
        others = findings.others - self._others
        self._others = findings.others
        file.packets += others
        file.not_udp += others
        if findings.secrets:
            from capture.secret_blocks import key_logs
            from capture.secret_blocks import others as other_secrets

            file.secrets += key_logs(findings.secrets)
            self._notes_before += other_secrets(findings.secrets)
            findings.secrets.clear()
        if findings.dropped or self._dropped_before:
            file.dropped = self._dropped_before + sum(findings.dropped.values())
        if self._parts == 1:
            file.said = findings.said
        said = file.said.summary() if file.said else []
        file.notes[:] = self._notes_before + findings.notes + said + self._clock.notes

    def _begin_part(self) -> None:
        """Another capture begins; what the one before left unread is lost."""
        self._end_part()
        file = self.file
        self._reader = None
        self._unread = b""
        self._parts += 1
        self._packets_before, self._interfaces_before, self._others = file.packets, len(file.interfaces), 0
        self._notes_before = [note for note in file.notes if note not in self._clock.notes]
        self._dropped_before = file.dropped or 0

    def _end_part(self) -> None:
        """Say what is not whole where a capture ends, and what people say of those behind the first."""
        said = None if self._reader is None or self._parts == 1 else self._reader.findings.said
        if said is not None:
            self.file.said = self.file.said or Said()
            self.file.said.add(said, self._packets_before)
        damage = self._reader.findings.damage if self._reader is not None else None
        if self._reader is None and self._unread:
            damage = f"truncated: {len(self._unread)} bytes are no whole header"
        if damage is not None:
            self.file.truncated = damage if self._parts == 1 else f"part {self._parts}: {damage}"
        self._reader, self._unread = None, b""


def _is_begun(content: bytes) -> bool:
    """Whether the header of the capture is whole; what is no capture at all has none to wait for."""
    if len(content) < 4:
        return False
    if is_pcap(content[:4]):
        return len(content) >= FILE_HEADER
    if content[:4] != PCAPNG:
        return True
    return len(content) >= 12 and len(content) >= min(section_size(content[:12]), MAX_BLOCK)
