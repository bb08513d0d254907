"""From frames to rows of the packet table: link, IP and UDP headers, fragments, envelopes.

One code path for files and live sources, for many frames at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from capture.arrays import I64, U8, U32, Array, distinct
from capture.capture_file import CaptureFile
from capture.envelopes import Kind, scan
from capture.fragments import MAX_DATAGRAM, Reassembler
from capture.frames import Frames
from capture.ip import Carriers, Payloads, ipv4_with_udp, ipv6_with_udp, open_ipv4, open_ipv6, open_udp
from capture.links import SUPPORTED, find_packets, hops, linktype_name, told_directions
from capture.raw import Raw
from capture.table import PacketTable, Piece
from capture.window import Offset, Window, part


class _Run(NamedTuple):
    """Frames of one link type and one IP version, with what was found in them so far."""

    frames: Frames
    linktype: int
    offset: Offset
    """Of the IP header."""
    version: int

    def pick(self, rows: I64) -> _Run:
        """Some of them."""
        return _Run(self.frames.pick(rows), self.linktype, part(self.offset, rows), self.version)


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

    def add(self, segment: int, frames: Frames) -> None:
        """Take in frames that lie in `table.segments[segment]`."""
        self._segment = segment
        count = frames.time_ns.size
        self._file.packets += count
        if not count:
            return
        first_row = len(self._table)
        linktypes = np.array([interface.linktype for interface in self._file.interfaces], np.int64)
        kinds = distinct(linktypes[frames.interface] if linktypes.size > 1 else linktypes).tolist()
        for linktype in kinds:
            part_ = frames if len(kinds) == 1 else frames.pick(np.flatnonzero(linktypes[frames.interface] == linktype))
            self._add_linked(part_, linktype)
        self._table.sort_by_frame(first_row)

    def move(self, table: PacketTable) -> None:
        """Go on in another table, with the same files. Fragments that wait for others come along.

        Those over IPv6 only where hosts keep their numbers.
        """
        if table.hosts6 is not self._table.hosts6:
            self._reassembler.give_up(lambda key: bool(key[0] == 6))
        segment, at = len(table.segments), 0
        frames: list[bytes] = []

        def moved(piece: Piece) -> Piece:
            nonlocal at
            buffer = self._table.segments[piece.segment].buffer
            frames.append(buffer[piece.at : piece.at + piece.length])
            at += piece.length
            return piece._replace(segment=segment, at=at - piece.length)

        self._reassembler.retag(moved)
        if frames:
            table.segments.append(Raw(b"".join(frames)))
        self._table = table

    def finish(self) -> None:
        """Note what only the end of a source tells."""
        self._file.fragments_pending = self._reassembler.pending
        for linktype, count in self._file.unreadable.items():
            name = linktype_name(linktype)
            self._file.notes.append(f"{count} frames of link type {linktype} ({name}), which can't be read, left out")

    def _add_linked(self, frames: Frames, linktype: int) -> None:
        if linktype not in SUPPORTED:
            unreadable = self._file.unreadable
            unreadable[linktype] = unreadable.get(linktype, 0) + frames.number.size
            self._first("unreadable", frames.number)
            self._file.not_udp += frames.number.size
            return
        packets = find_packets(frames.window, frames.length, linktype)
        for version in (4, 6):
            found = packets.version == version
            if found.all():
                self._add_run(_Run(frames, linktype, packets.offset, version))
            elif found.any():
                rows = np.flatnonzero(found)
                self._add_run(_Run(frames.pick(rows), linktype, part(packets.offset, rows), version))
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
        position = payloads.fragment.position
        self._add_some(run, payloads, np.flatnonzero(position < 0))
        cut = payloads.end - payloads.offset < payloads.wire_length
        # What the capture cut can't be put together; a first piece still tells ports and the start of the payload.
        start = np.flatnonzero((position == 0) & cut)
        whole_length = np.full(payloads.wire_length.size, MAX_DATAGRAM, np.int64)
        self._add_some(run, payloads._replace(wire_length=whole_length), start)
        self._file.fragments += int(((position > 0) & cut).sum())
        wholes = self._reassemble(run, payloads, np.flatnonzero((position >= 0) & ~cut))
        if wholes:
            self._add_wholes(run, payloads, wholes)

    def _carrying(self, run: _Run, carriers: Carriers) -> _Run:
        """The frames with UDP in them; the others are counted."""
        if carriers.rows is None:
            return run
        malformed = carriers.malformed.size
        if malformed:
            self._file.malformed += malformed
            self._first("malformed", run.frames.number[carriers.malformed])
        self._file.not_udp += run.frames.number.size - carriers.rows.size - malformed
        return run.pick(carriers.rows)

    def _add_some(self, run: _Run, payloads: Payloads, rows: I64) -> None:
        if rows.size:
            self._add_datagrams(run.pick(rows), payloads.pick(rows))

    def _add_datagrams(self, run: _Run, payloads: Payloads) -> None:
        if not run.frames.number.size:
            return
        udp = open_udp(run.frames.window, payloads.offset, payloads.end, payloads.wire_length)
        if not udp.sound.all():
            self._file.malformed += int((~udp.sound).sum())
            self._first("malformed", run.frames.number[~udp.sound])
            self._add_some(run, payloads, np.flatnonzero(udp.sound))
            return
        self._append(run, payloads, run.frames.window, udp.offset, udp.length, udp.wire_length, udp.sport, udp.dport)

    def _add_wholes(self, run: _Run, payloads: Payloads, wholes: list[_Whole]) -> None:
        """Add datagrams that were put together, in the place of the frames that completed them."""
        sizes = np.array([len(whole.body) for whole in wholes], np.int64)
        window = Window(Raw(b"".join(whole.body for whole in wholes)), np.cumsum(sizes) - sizes)
        udp = open_udp(window, 0, sizes, sizes)
        sound = np.flatnonzero(udp.sound)
        self._file.malformed += sizes.size - sound.size
        if not sound.size:
            return
        rows = np.array([wholes[index].row for index in sound])
        first, length = len(self._table), udp.length[sound]
        run, payloads, window = run.pick(rows), payloads.pick(rows), window.pick(sound)
        sent, ports = udp.wire_length[sound], (udp.sport[sound], udp.dport[sound])
        self._append(run, payloads, window, udp.offset, length, sent, *ports)
        for row, index in enumerate(sound.tolist(), first):
            whole = wholes[index]
            self._table.assembled[row] = whole.body[8 : 8 + int(length[row - first])]
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
            ahead_ns=0,
            src=payloads.src,
            dst=payloads.dst,
            family6=run.version == 6,
            sport=sport,
            dport=dport,
            ttl=payloads.ttl,
            ip_id=payloads.ip_id,
            hop=hops(frames.window, run.linktype, frames.interface),
            direction=_directions(frames, run.linktype),
            file=self._number,
            frame=frames.number,
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

    def _first(self, kind: str, numbers: Array) -> None:
        """Note the first frame of its kind."""
        found = int(numbers.min())
        self._file.firsts[kind] = min(found, self._file.firsts.get(kind, found))

    def _count(self, kind: U8) -> None:
        counts = np.bincount(kind, minlength=6)
        self._file.udp += int(kind.size)
        self._file.dht_messages += int(counts[Kind.REQUEST] + counts[Kind.RESPONSE])
        self._file.udx += int(counts[Kind.UDX])
        self._file.punches += int(counts[Kind.PUNCH])
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
                self._file.firsts.setdefault("fragment", int(frames.number[row]))
            else:
                wholes.append(_Whole(row, found[0], found[1]))
        return wholes


def _directions(frames: Frames, linktype: int) -> U8 | int:
    """Which way each frame passed: as it is told beside it, and else by its link header."""
    by_link, beside = told_directions(frames.window, linktype), frames.direction
    if beside is None:
        return by_link
    return beside if isinstance(by_link, int) else np.where(beside, beside, by_link)
