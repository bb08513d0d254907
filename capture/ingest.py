"""From frames to rows of the packet table: link, IP and UDP headers, fragments, envelopes.

One code path for files and live sources, for many frames at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from capture.arrays import I64, U8, U32, Array
from capture.capture_file import CaptureFile
from capture.envelopes import Kind, scan
from capture.fragments import Reassembler
from capture.frames import Frames
from capture.ip import Carriers, Payloads, ipv4_with_udp, ipv6_with_udp, open_ipv4, open_ipv6, open_udp
from capture.links import SUPPORTED, Packets, find_packets, hops, linktype_name
from capture.raw import Raw
from capture.table import PacketTable, Piece
from capture.window import Offset, Window, part


class _Run(NamedTuple):
    """Frames of one link type and one IP version, with what was found in them so far."""

    frames: Frames
    numbers: I64
    linktype: int
    offset: Offset
    """Of the IP header."""
    version: int

    def pick(self, rows: I64) -> _Run:
        """Some of them."""
        return _Run(self.frames.pick(rows), self.numbers[rows], self.linktype, part(self.offset, rows), self.version)


class _Whole(NamedTuple):
    """A datagram put together from fragments: its bytes above IP, and the row of the piece that completed it."""

    row: int
    body: bytes
    pieces: list[Piece]


class Ingest:
    """Turns the frames of one source into rows."""

    def __init__(self, table: PacketTable, file: CaptureFile) -> None:
        """Start on a source.

        Args:
            table: where the rows go; `file` is added to its files.
            file: its counts grow as frames come in.
        """
        self._table = table
        self._file = file
        self._number = len(table.files)
        table.files.append(file)
        self._segment = 0
        self._reassembler: Reassembler[Piece] = Reassembler()
        self.unreadable: dict[int, int] = {}
        """Frames of link types that can't be read, by link type."""

    def add(self, segment: int, frames: Frames) -> None:
        """Take in frames that lie in `table.segments[segment]`."""
        self._segment = segment
        count = frames.time_ns.size
        numbers = np.arange(self._file.packets + 1, self._file.packets + count + 1)
        self._file.packets += count
        interfaces = self._file.interfaces
        low, high = int(frames.interface.min(initial=0xFFFF)), int(frames.interface.max(initial=0))
        if low == high or len({interface.linktype for interface in interfaces}) == 1:
            self._add_linked(frames, numbers, interfaces[low].linktype)
            return
        linktypes = np.array([interface.linktype for interface in interfaces], np.int64)[frames.interface]
        for rows in np.split(np.arange(count), np.flatnonzero(np.diff(linktypes)) + 1):
            if rows.size:
                self._add_linked(frames.pick(rows), numbers[rows], int(linktypes[rows[0]]))

    def finish(self) -> None:
        """Note what only the end of a source tells."""
        self._file.fragments_pending = self._reassembler.pending
        for linktype, count in self.unreadable.items():
            name = linktype_name(linktype)
            self._file.notes.append(f"{count} frames of link type {linktype} ({name}), which can't be read, left out")

    def _add_linked(self, frames: Frames, numbers: I64, linktype: int) -> None:
        if linktype not in SUPPORTED:
            self.unreadable[linktype] = self.unreadable.get(linktype, 0) + numbers.size
            self._file.not_udp += numbers.size
            return
        packets = find_packets(frames.window, frames.length, linktype)
        for rows in _runs(packets):
            if rows is None:
                self._add_run(_Run(frames, numbers, linktype, packets.offset, int(packets.version[0])))
            else:
                version, offset = int(packets.version[rows[0]]), part(packets.offset, rows)
                self._add_run(_Run(frames.pick(rows), numbers[rows], linktype, offset, version))
        self._file.not_udp += int((packets.version == 0).sum())

    def _add_run(self, run: _Run) -> None:
        frames = run.frames
        if run.version == 4:
            carriers = ipv4_with_udp(frames.window, run.offset, frames.length, frames.wire_length)
            run = self._carrying(run, carriers)
            frames = run.frames
            payloads = open_ipv4(frames.window, run.offset, frames.length, frames.wire_length)
        else:
            chain = ipv6_with_udp(frames.window, run.offset, frames.length)
            run = self._carrying(run, chain.carriers)
            number = self._table.host6_numbers
            payloads = open_ipv6(run.frames.window, run.offset, run.frames.length, chain, number)
        if payloads.fragment is None:
            self._add_datagrams(run, payloads)
            return
        pieces = np.flatnonzero(payloads.fragment.position >= 0)
        rows = np.flatnonzero(payloads.fragment.position < 0)
        done = 0
        # Datagrams put together go where the frame that completed them stands.
        for whole in self._reassemble(run, payloads, pieces):
            split = int(np.searchsorted(rows, whole.row))
            self._add_some(run, payloads, rows[done:split])
            self._add_whole(run, payloads, whole)
            done = split
        self._add_some(run, payloads, rows[done:])

    def _carrying(self, run: _Run, carriers: Carriers) -> _Run:
        """The frames with UDP in them; the others are counted."""
        if carriers.rows is None:
            return run
        self._file.malformed += carriers.malformed
        self._file.not_udp += run.numbers.size - carriers.rows.size - carriers.malformed
        return run.pick(carriers.rows)

    def _add_some(self, run: _Run, payloads: Payloads, rows: I64) -> None:
        if rows.size:
            self._add_datagrams(run.pick(rows), payloads.pick(rows))

    def _add_datagrams(self, run: _Run, payloads: Payloads) -> None:
        if not run.numbers.size:
            return
        udp = open_udp(run.frames.window, payloads.offset, payloads.end, payloads.wire_length)
        if not udp.sound.all():
            self._file.malformed += int((~udp.sound).sum())
            self._add_some(run, payloads, np.flatnonzero(udp.sound))
            return
        self._append(run, payloads, run.frames.window, udp.offset, udp.length, udp.wire_length, udp.sport, udp.dport)

    def _add_whole(self, run: _Run, payloads: Payloads, whole: _Whole) -> None:
        """Add a datagram that was put together."""
        one = np.array([whole.row])
        window = Window(Raw(whole.body), np.zeros(1, np.int64))
        size = np.array([len(whole.body)], np.int64)
        udp = open_udp(window, 0, size, size)
        if not udp.sound[0]:
            self._file.malformed += 1
            return
        row = len(self._table)
        run, payloads = run.pick(one), payloads.pick(one)
        self._append(run, payloads, window, udp.offset, udp.length, udp.wire_length, udp.sport, udp.dport)
        self._table.assembled[row] = whole.body[8 : 8 + int(udp.length[0])]
        self._table.pieces[row] = whole.pieces[:-1]

    def _append(
        self,
        run: _Run,
        payloads: Payloads,
        window: Window,
        offset: Offset,
        length: U32,
        wire_length: U32,
        sport: Array,
        dport: Array,
    ) -> None:
        envelopes = scan(window, offset, length, wire_length)
        self._count(envelopes.kind)
        frames = run.frames
        self._table.append(
            time_ns=frames.time_ns,
            src=payloads.src,
            dst=payloads.dst,
            family6=run.version == 6,
            sport=sport,
            dport=dport,
            ttl=payloads.ttl,
            ip_id=payloads.ip_id,
            hop=hops(frames.window, run.linktype, frames.interface),
            file=self._number,
            frame=run.numbers,
            interface=frames.interface,
            length=length,
            wire_length=wire_length,
            copy_of=-1,
            segment=self._segment,
            frame_at=frames.window.at,
            frame_length=frames.length,
            frame_wire_length=frames.wire_length,
            skip=offset,
            **envelopes._asdict(),
        )

    def _count(self, kind: U8) -> None:
        counts = np.bincount(kind, minlength=6)
        self._file.udp += int(kind.size)
        self._file.dht_messages += int(counts[Kind.REQUEST] + counts[Kind.RESPONSE])
        self._file.undecodable += int(counts[Kind.MALFORMED])

    def _reassemble(self, run: _Run, payloads: Payloads, rows: I64) -> list[_Whole]:
        frames, window, fragment = run.frames, run.frames.window, payloads.fragment
        assert fragment is not None
        buffer = window.raw.buffer
        seen_at = hops(window, run.linktype, frames.interface).tolist()
        wholes: list[_Whole] = []
        for row in rows.tolist():
            offset = payloads.offset if isinstance(payloads.offset, int) else int(payloads.offset[row])
            frame_at, end = int(window.at[row]), int(payloads.end[row])
            if end - offset < payloads.wire_length[row]:
                self._file.malformed += 1
                continue
            ends = run.version, int(payloads.src[row]), int(payloads.dst[row])
            key = *ends, int(fragment.id[row]), int(payloads.ttl[row]), seen_at[row]
            time_ns, interface = int(frames.time_ns[row]), int(frames.interface[row])
            size = int(frames.length[row]), int(frames.wire_length[row])
            piece = Piece(self._segment, frame_at, *size, time_ns, interface)
            position, more = int(fragment.position[row]), bool(fragment.more[row])
            body = bytes(buffer[frame_at + offset : frame_at + end])
            found = self._reassembler.add(key, position, more, body, time_ns, piece)
            if found is None:
                self._file.fragments += 1
            else:
                wholes.append(_Whole(row, found[0], found[1]))
        return wholes


def _runs(packets: Packets) -> list[I64 | None]:
    """Frames of one IP version in a row, to keep the order; a single None if that is all of them."""
    version = packets.version
    first = version[:1]
    if version.size and first[0] and bool((version == first).all()):
        return [None]
    found = np.flatnonzero(version)
    if not found.size:
        return []
    return list(np.split(found, np.flatnonzero(np.diff(version[found])) + 1))
