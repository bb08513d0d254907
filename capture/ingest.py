"""From frames to rows of the packet table: link, IP and UDP headers, fragments, envelopes.

One code path for files and live sources; it works on some ten thousand frames at a time, few enough for the columns in
the making to stay in the processor's cache.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from capture.arrays import I64, Array, Bools
from capture.capture_file import CaptureFile
from capture.envelopes import Kind, scan
from capture.fragments import Reassembler
from capture.frames import Frames
from capture.ip import MALFORMED, UDP, Payloads, open_packets, open_udp
from capture.links import SUPPORTED, Packets, find_packets, hops, linktype_name
from capture.raw import Raw
from capture.table import PacketTable, Piece

CHUNK: Final = 1 << 15


class _Whole(NamedTuple):
    """A datagram put together from fragments: its bytes above IP, and the index of the frame that completed it."""

    frame: int
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
        self._reassembler: Reassembler[Piece] = Reassembler()
        self._unknown: dict[int, int] = {}

    def add(self, raw: Raw, segment: int, frames: Frames) -> None:
        """Take in frames that lie in `raw`, which is `table.segments[segment]`."""
        for start in range(0, frames.at.size, CHUNK):
            self._add_chunk(raw, segment, frames.pick(slice(start, start + CHUNK)))

    def finish(self) -> None:
        """Note what only the end of a source tells."""
        self._file.fragments_pending = self._reassembler.pending
        for linktype, count in self._unknown.items():
            name = linktype_name(linktype)
            self._file.notes.append(f"{count} frames of link type {linktype} ({name}), which can't be read, left out")

    @property
    def unreadable(self) -> dict[int, int]:
        """Frames of link types that can't be read, by link type."""
        return self._unknown

    def _add_chunk(self, raw: Raw, segment: int, frames: Frames) -> None:
        first_frame = self._file.packets + 1
        self._file.packets += frames.at.size
        end = frames.at + frames.length
        packets = self._packets(raw, frames, end)
        for version in (4, 6):
            if bool((packets.version == version).all()):
                self._add_packets(raw, segment, frames, packets, end, np.arange(first_frame, first_frame + end.size))
                return
        numbers = np.arange(first_frame, first_frame + end.size)
        found = np.flatnonzero(packets.version)
        self._file.not_udp += int(end.size - found.size)
        # Runs of one IP version, to keep rows in capture order.
        versions = packets.version[found]
        for run in np.split(found, np.flatnonzero(np.diff(versions)) + 1):
            if run.size:
                self._add_packets(raw, segment, frames.pick(run), packets.pick(run), end[run], numbers[run])

    def _packets(self, raw: Raw, frames: Frames, end: I64) -> Packets:
        linktypes = np.array([interface.linktype for interface in self._file.interfaces], np.int64)
        kinds = linktypes[frames.interface] if linktypes.size > 1 else linktypes
        present = np.unique(kinds).tolist()
        if len(present) == 1 and present[0] in SUPPORTED:
            return find_packets(raw, frames.at, end, present[0])
        packets = Packets(frames.at.copy(), np.zeros(frames.at.size, np.uint8))
        for linktype in present:
            rows = np.flatnonzero(kinds == linktype) if kinds.size == frames.at.size else np.arange(frames.at.size)
            if linktype in SUPPORTED:
                part = find_packets(raw, frames.at[rows], end[rows], linktype)
                packets.at[rows], packets.version[rows] = part.at, part.version
            else:
                self._unknown[linktype] = self._unknown.get(linktype, 0) + rows.size
        return packets

    def _add_packets(self, raw: Raw, segment: int, frames: Frames, packets: Packets, end: I64, numbers: I64) -> None:
        wire_end = frames.at + frames.wire_length
        payloads = open_packets(raw, packets, end, wire_end)
        wholes: list[_Whole] = []
        carries: Bools = payloads.protocol == UDP
        is_piece = carries & (payloads.fragment_at >= 0)
        malformed = payloads.protocol == MALFORMED
        self._file.malformed += int(malformed.sum())
        self._file.not_udp += int((~carries & ~malformed).sum())
        if is_piece.any():
            wholes = self._reassemble(raw, segment, frames, packets, payloads, np.flatnonzero(is_piece))
            carries &= ~is_piece
        if carries.all():
            self._add_rows(raw, segment, frames, packets, payloads, numbers)
            return
        rows = np.flatnonzero(carries)
        # Datagrams put together go where the frame that completed them stands.
        done = 0
        for whole in wholes:
            split = int(np.searchsorted(rows, whole.frame))
            self._add_some(raw, segment, frames, packets, payloads, numbers, rows[done:split])
            self._add_whole(segment, frames, packets, payloads, numbers, whole, raw)
            done = split
        self._add_some(raw, segment, frames, packets, payloads, numbers, rows[done:])

    def _add_some(
        self, raw: Raw, segment: int, frames: Frames, packets: Packets, payloads: Payloads, numbers: I64, rows: I64
    ) -> None:
        if rows.size:
            self._add_rows(raw, segment, frames.pick(rows), packets.pick(rows), payloads.pick(rows), numbers[rows])

    def _add_rows(
        self, raw: Raw, segment: int, frames: Frames, packets: Packets, payloads: Payloads, numbers: I64
    ) -> None:
        udp = open_udp(raw, payloads.at, payloads.end, payloads.wire_length)
        if not udp.sound.all():
            self._file.malformed += int((~udp.sound).sum())
            self._add_some(raw, segment, frames, packets, payloads, numbers, np.flatnonzero(udp.sound))
            return
        src, dst, family6 = self._hosts(raw, packets, payloads)
        envelopes = scan(raw, udp.at, udp.length, udp.wire_length)
        self._count(envelopes.kind)
        self._table.append(
            time_ns=frames.time_ns,
            src=src,
            dst=dst,
            family6=family6,
            sport=udp.sport,
            dport=udp.dport,
            ttl=payloads.ttl,
            ip_id=payloads.ip_id,
            file=self._number,
            frame=numbers,
            interface=frames.interface,
            length=udp.length,
            wire_length=udp.wire_length,
            copy_of=-1,
            segment=segment,
            frame_at=frames.at,
            frame_length=frames.length,
            frame_wire_length=frames.wire_length,
            skip=udp.at - frames.at,
            **envelopes._asdict(),
        )

    def _count(self, kind: Array) -> None:
        counts = np.bincount(kind, minlength=6)
        self._file.udp += int(kind.size)
        self._file.dht_messages += int(counts[Kind.REQUEST] + counts[Kind.RESPONSE])
        self._file.undecodable += int(counts[Kind.MALFORMED])

    def _hosts(self, raw: Raw, packets: Packets, payloads: Payloads) -> tuple[Array, Array, bool]:
        if packets.version.size == 0 or packets.version[0] == 4:
            return payloads.src, payloads.dst, False
        hosts = raw.gather(packets.at + 8, np.dtype("V32")).tobytes()
        parts = [hosts[i : i + 16] for i in range(0, len(hosts), 16)]
        numbers = np.array(self._table.host6_numbers(parts), np.uint32)
        return numbers[0::2], numbers[1::2], True

    def _reassemble(
        self, raw: Raw, segment: int, frames: Frames, packets: Packets, payloads: Payloads, rows: I64
    ) -> list[_Whole]:
        buffer = raw.buffer
        wholes: list[_Whole] = []
        for row in rows.tolist():
            at, end = int(payloads.at[row]), int(payloads.end[row])
            frame_at, interface = int(frames.at[row]), int(frames.interface[row])
            if end - at < payloads.wire_length[row]:
                self._file.malformed += 1
                continue
            start = int(packets.at[row])
            hosts = bytes(
                buffer[start + 8 : start + 40] if packets.version[row] == 6 else buffer[start + 12 : start + 20]
            )
            hop = int(hops(raw, frames.at[row : row + 1], self._file.interfaces[interface].linktype)[0])
            key = hosts, int(payloads.fragment_id[row]), int(payloads.ttl[row]), interface, hop
            length, wire_length = int(frames.length[row]), int(frames.wire_length[row])
            time_ns = int(frames.time_ns[row])
            piece = Piece(segment, frame_at, length, wire_length, time_ns, interface)
            position, more = int(payloads.fragment_at[row]), bool(payloads.more[row])
            found = self._reassembler.add(key, position, more, bytes(buffer[at:end]), time_ns, piece)
            if found is None:
                self._file.fragments += 1
            else:
                wholes.append(_Whole(row, found[0], found[1]))
        return wholes

    def _add_whole(
        self, segment: int, frames: Frames, packets: Packets, payloads: Payloads, numbers: I64, whole: _Whole, raw: Raw
    ) -> None:
        body = Raw(whole.body)
        one = slice(whole.frame, whole.frame + 1)
        size = np.array([len(whole.body)], np.int64)
        udp = open_udp(body, np.zeros(1, np.int64), size, size)
        if not udp.sound[0]:
            self._file.malformed += 1
            return
        src, dst, family6 = self._hosts(raw, packets.pick(one), payloads.pick(one))
        envelopes = scan(body, udp.at, udp.length, udp.wire_length)
        self._count(envelopes.kind)
        rows = self._table.append(
            time_ns=frames.time_ns[one],
            src=src,
            dst=dst,
            family6=family6,
            sport=udp.sport,
            dport=udp.dport,
            ttl=payloads.ttl[one],
            ip_id=payloads.ip_id[one],
            file=self._number,
            frame=numbers[one],
            interface=frames.interface[one],
            length=udp.length,
            wire_length=udp.wire_length,
            copy_of=-1,
            segment=segment,
            frame_at=frames.at[one],
            frame_length=frames.length[one],
            frame_wire_length=frames.wire_length[one],
            skip=0,
            **envelopes._asdict(),
        )
        self._table.assembled[rows[0]] = whole.body[8 : 8 + int(udp.length[0])]
        self._table.pieces[rows[0]] = whole.pieces[:-1]
