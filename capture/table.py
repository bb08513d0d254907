"""The packet table: one row per UDP datagram seen, as numpy columns.

An object per packet would cost more time and memory than all the rest of reading a capture, so a datagram is a row
number, and what is known of it stands in columns of about 100 bytes a row; its bytes stay where they were captured.
Rows are in capture order; when several files are read, in order of time. Row numbers of a growing table never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar, overload

import numpy as np

from capture.arrays import I32, I64, U32, Array, Bools
from capture.capture_file import CaptureFile
from capture.envelopes import Kind
from capture.raw import Raw
from protocol.address import Address
from protocol.constants import UDX_HEADER_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CaptureFile", "Kind", "PacketTable", "host_text"]

T = TypeVar("T", bound=np.generic)

_FIRST_CAPACITY: Final = 1024


class Piece(NamedTuple):
    """One frame of a datagram that came in fragments."""

    segment: int
    at: int
    length: int
    wire_length: int
    time_ns: int
    interface: int


@lru_cache(maxsize=1 << 14)
def host_text(host: int) -> str:
    """The dotted text of an IPv4 host number."""
    return f"{host >> 24}.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}"


class Column(Generic[T]):
    """A column of `PacketTable`, trimmed to its rows. Writing to elements is for the modules that fill the table."""

    def __init__(self, dtype: type[T]) -> None:
        self.dtype = np.dtype(dtype)

    def __set_name__(self, owner: type[PacketTable], name: str) -> None:
        self.name = name
        owner.columns[name] = self.dtype

    @overload
    def __get__(self, table: None, owner: type[PacketTable]) -> Column[T]: ...
    @overload
    def __get__(self, table: PacketTable, owner: type[PacketTable]) -> NDArray[T]: ...
    def __get__(self, table: PacketTable | None, owner: type[PacketTable]) -> Column[T] | NDArray[T]:
        if table is None:
            return self
        found = table.trimmed.get(self.name)
        return table.stored(self.name) if found is None else found


class PacketTable:
    """Columns of UDP datagrams, and the captures they come from."""

    columns: dict[str, np.dtype[Any]] = {}  # noqa: RUF012  filled by the columns below, once

    time_ns = Column(np.int64)
    """Epoch nanoseconds, with `ahead_ns` taken off."""
    ahead_ns = Column(np.int64)
    """By how much the clock of its file was ahead then; 0 where nothing was taken off."""
    src = Column(np.uint32)
    """IPv4 host number, or index into `hosts6` where `family6`."""
    dst = Column(np.uint32)
    family6 = Column(np.bool_)
    sport = Column(np.uint16)
    dport = Column(np.uint16)
    ttl = Column(np.uint8)
    """TTL or hop limit as it was seen; 0 where a socket of our own was not told."""
    ip_id = Column(np.uint16)
    """IPv4 identification; 0 for IPv6."""
    hop = Column(np.uint32)
    """Where it was seen: interface, and direction as far as the link layer says; see `capture.links.hops`."""
    direction = Column(np.uint8)
    """Which way it passed there, as `capture.direction.Passage`; 0 where nothing tells."""
    file = Column(np.uint16)
    """Index into `files`."""
    frame = Column(np.uint32)
    """Number of the frame in its file, from 1, all frames counted; that of the last piece of a fragmented datagram."""
    interface = Column(np.uint16)
    """Index into the file's `interfaces`."""
    length = Column(np.uint32)
    """UDP payload bytes captured."""
    wire_length = Column(np.uint32)
    """UDP payload bytes by the headers."""
    kind = Column(np.uint8)
    """A `Kind`."""
    flags = Column(np.uint8)
    """Lowest byte of the envelope's flags for requests and responses, of the UDX header for UDX, else 0."""
    tid = Column(np.uint16)
    command = Column(np.uint8)
    """Command of a request; 255 for anything else and for commands above 254."""
    to_host = Column(np.uint32)
    """Envelope `to`; for UDX rows the receiver's stream id (`udx_id`)."""
    to_port = Column(np.uint16)
    target8 = Column(np.uint64)
    """First eight bytes of a request's target, big-endian; 0 if it has none."""
    content = Column(np.uint32)
    """A hash that equal payloads share; compare the payloads before believing it."""
    copy_of = Column(np.int32)
    """Row of the primary sighting of the same datagram; -1 for a primary."""
    segment = Column(np.uint32)
    """Index of the bytes that hold the frame."""
    frame_at = Column(np.int64)
    """Offset of the frame's first link-layer byte in its segment."""
    frame_length = Column(np.uint32)
    """Bytes of the frame captured."""
    frame_wire_length = Column(np.uint32)
    """Bytes of the frame on the wire."""
    skip = Column(np.uint32)
    """Bytes from the start of the frame to the UDP payload."""

    def __init__(self) -> None:
        self.files: list[CaptureFile] = []
        self.hosts6: list[bytes] = []
        """16-byte IPv6 hosts; `src` and `dst` of IPv6 rows index it."""
        self.segments: list[Raw] = []
        self.read_segments = 0
        """How many of the first segments are files, where one source is several."""
        self.assembled: dict[int, bytes] = {}
        """Payloads of datagrams that came in fragments, by row."""
        self.pieces: dict[int, list[Piece]] = {}
        """Earlier fragments of those rows."""
        self._hosts6_index: dict[bytes, int] = {}
        self._rows = 0
        self.capacity = 0
        """Rows that fit before the columns have to move."""
        self._stored: dict[str, Array] = self._columns_of(0)
        self.trimmed: dict[str, Array] = {}
        """The columns as they are read, kept until rows are added."""

    def __len__(self) -> int:
        return self._rows

    def stored(self, name: str) -> Array:
        """The rows of one column by its name."""
        found = self.trimmed[name] = self._stored[name][: self._rows]
        return found

    def reserve(self, rows: int) -> None:
        """Make room for this many more rows without moving the columns again."""
        need = self._rows + rows
        if need <= self.capacity:
            return
        # Untouched memory costs nothing, so room is generous; doubling keeps appending cheap.
        self.capacity = max(need, 2 * self.capacity, _FIRST_CAPACITY)
        moved = self._columns_of(self.capacity)
        for name, old in self._stored.items():
            moved[name][: self._rows] = old[: self._rows]
        self._stored = moved
        self.trimmed.clear()

    def _columns_of(self, capacity: int) -> dict[str, Array]:
        # One block for all columns: the system then backs it with huge pages, which halves the time of filling it. It
        # begins as zeros, which costs nothing before they are touched; see `append`.
        block = np.zeros(sum(dtype.itemsize for dtype in self.columns.values()) * capacity, np.uint8)
        found: dict[str, Array] = {}
        start = 0
        for name, dtype in sorted(self.columns.items(), key=lambda column: -column[1].itemsize):
            end = start + dtype.itemsize * capacity
            found[name] = block[start:end].view(dtype)
            start = end
        return found

    def append(self, **columns: Array | int) -> range:
        """Append rows: every column by name, arrays of one length or a number for all of them.

        Returns:
            The numbers of the new rows.
        """
        count = next(len(column) for column in columns.values() if isinstance(column, np.ndarray))
        self.reserve(count)
        start, end = self._rows, self._rows + count
        for name, column in columns.items():
            # A column of nothing but zeros, as many are in one file of one interface, never takes memory.
            if isinstance(column, np.ndarray) or column:
                self._stored[name][start:end] = column
        missing = self._stored.keys() - columns.keys()
        if missing:
            raise ValueError(f"columns without values: {', '.join(sorted(missing))}")
        self._rows = end
        self.trimmed.clear()
        return range(start, end)

    def sort_by_frame(self, start: int) -> None:
        """Put the rows from `start` on, all of one file, into the order of their frames.

        A recording may give one number to several frames. Of these, datagrams that came in pieces are last, so that
        the order does not depend on how many frames were read at once.
        """
        frame = self.frame[start:]
        if frame.size < 2:
            return
        if any(row >= start for row in self.assembled):
            pieced = np.zeros(frame.size, np.bool_)
            pieced[[row - start for row in self.assembled if row >= start]] = True
            self._reorder(np.lexsort((pieced, frame)), start)
        elif bool((frame[1:] < frame[:-1]).any()):
            self._reorder(np.argsort(frame, kind="stable"), start)

    def reorder(self, order: I64) -> None:
        """Put the rows into a new order: new row i is old row `order[i]`. Row numbers held elsewhere become wrong."""
        self._reorder(order, 0)

    def _reorder(self, order: I64, start: int) -> None:
        for name in self._stored:
            self.stored(name)[start:] = self.stored(name)[start:][order]
        moved = np.arange(self._rows)
        moved[start + order] = np.arange(start, self._rows)
        copies = np.flatnonzero(self.copy_of[start:] >= 0) + start
        self.copy_of[copies] = moved[self.copy_of[copies]]
        if self.assembled:
            self.assembled = {int(moved[row]): payload for row, payload in self.assembled.items()}
            self.pieces = {int(moved[row]): pieces for row, pieces in self.pieces.items()}

    @property
    def internal(self) -> Bools:
        """Requests with a command of dht-rpc itself."""
        return self.asked_internally(slice(None))

    def asked_internally(self, rows: slice | I64) -> Bools:
        """Which of some rows are requests with a command of dht-rpc itself; costs no more than those rows."""
        asked: Bools = (self.kind[rows] == Kind.REQUEST) & (self.flags[rows] & 4 != 0)
        return asked

    @property
    def udx_flags(self) -> Array:
        """Flags of UDX rows; meaningless for others."""
        return self.flags

    @property
    def udx_id(self) -> U32:
        """The receiver's stream id of UDX rows; meaningless for others."""
        return self.to_host

    @property
    def cut(self) -> Bools:
        """Rows of which the capture did not keep the whole payload."""
        cut: Bools = self.wire_length > self.length
        return cut

    @property
    def udx_data_length(self) -> I64:
        """Bytes after the fixed header of UDX rows (data and acknowledged ranges); meaningless for others."""
        return self.wire_length.astype(np.int64) - UDX_HEADER_SIZE

    @property
    def unmasked(self) -> PacketTable:
        """The table with what was really captured: itself, unless it shows another one behind a mask."""
        return self

    def check_size(self) -> None:
        """Make sure that no mapped file was shortened; see `Raw.check_size`.

        Raises:
            CaptureError: one is shorter than it was.
        """
        # Files come first, mostly one segment each; those of live sources are in memory.
        for segment in self.segments[: max(len(self.files), self.read_segments)]:
            segment.check_size()

    def payload(self, row: int) -> bytes:
        """The captured UDP payload of one row."""
        if row in self.assembled:
            return self.assembled[row]
        start = self.frame_at.item(row) + self.skip.item(row)
        buffer = self.segments[self.segment.item(row)].buffer
        return bytes(buffer[start : start + self.length.item(row)])

    def payloads(self, rows: Sequence[int] | I64 | I32) -> list[bytes]:
        """The captured UDP payloads of many rows."""
        index = np.asarray(rows, np.int64)
        start = self.frame_at[index] + self.skip[index]
        end = (start + self.length[index]).tolist()
        segments = self.segment[index]
        if index.size and bool((segments == segments[0]).all()):
            buffer = self.segments[int(segments[0])].buffer
            found = [buffer[a:b] for a, b in zip(start.tolist(), end, strict=True)]
        else:
            # A live source has a segment for every batch.
            buffers = {number: self.segments[number].buffer for number in set(segments.tolist())}
            found = [buffers[s][a:b] for s, a, b in zip(segments.tolist(), start.tolist(), end, strict=True)]
        if self.assembled:
            found = [self.assembled.get(row, payload) for row, payload in zip(index.tolist(), found, strict=True)]
        return found

    def frame_bytes(self, row: int) -> bytes:
        """The captured link-layer frame of one row (of its last fragment)."""
        start = int(self.frame_at[row])
        return bytes(self.segments[int(self.segment[row])].buffer[start : start + int(self.frame_length[row])])

    def whole_frame(self, row: int) -> tuple[bytes, int]:
        """The captured frame of one row (of its last fragment), and its length on the wire."""
        return self.frame_bytes(row), int(self.frame_wire_length[row])

    def source(self, row: int) -> Address:
        """Where one row came from."""
        return Address(self.host(self.src.item(row), self.family6.item(row)), self.sport.item(row))

    def destination(self, row: int) -> Address:
        """Where one row was sent to."""
        return Address(self.host(self.dst.item(row), self.family6.item(row)), self.dport.item(row))

    def host(self, number: int, family6: bool = False) -> str:
        """Text of a value of `src` or `dst`."""
        if not family6:
            return host_text(number)
        from socket import AF_INET6, inet_ntop

        return inet_ntop(AF_INET6, self.hosts6[number])

    def share_hosts6(self, other: PacketTable) -> None:
        """Number IPv6 hosts as another table does, from now on; there must be none yet."""
        self.hosts6, self._hosts6_index = other.hosts6, other._hosts6_index

    def host6_numbers(self, hosts: Iterable[bytes]) -> list[int]:
        """Index into `hosts6` of each of these 16-byte hosts, added as need be."""
        index = self._hosts6_index
        numbers = []
        for host in hosts:
            number = index.get(host)
            if number is None:
                number = index[host] = len(self.hosts6)
                self.hosts6.append(host)
            numbers.append(number)
        return numbers
