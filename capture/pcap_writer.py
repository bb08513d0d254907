"""Writing pcap files with nanosecond times; see `capture.pcap` for the layout."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import BinaryIO, Final

from capture.frame_rows import Target, frames_of, opened
from capture.frames import MAX_FRAME
from capture.pcap import NANOSECONDS
from capture.table import PacketTable

_HEADER: Final = struct.Struct("<IHHiIII")
_RECORD: Final = struct.Struct("<IIII")


class PcapWriter:
    """Writes frames of one link type as they come."""

    def __init__(self, stream: BinaryIO, linktype: int, snaplen: int = MAX_FRAME) -> None:
        """Write the file header."""
        self._stream = stream
        stream.write(_HEADER.pack(NANOSECONDS, 2, 4, 0, 0, snaplen, linktype))

    def write(self, time_ns: int, frame: bytes, wire_length: int) -> None:
        """Write one frame.

        Raises:
            ValueError: the time is before 1970 or after 2106, which pcap can't say.
        """
        if not 0 <= time_ns < 2**32 * 10**9:
            raise ValueError(f"time {time_ns} ns does not fit a pcap file")
        self._stream.write(_RECORD.pack(time_ns // 10**9, time_ns % 10**9, len(frame), wire_length) + frame)


def write_pcap(target: Target, table: PacketTable, rows: Iterable[int]) -> int:
    """Write the original frames of some rows, in order of time.

    Returns:
        How many frames were written.

    Raises:
        ValueError: the rows are of several link types, for which pcapng is the format.
        OSError: the file can't be written.
    """
    frames = frames_of(table, rows)
    linktypes = {table.files[frame.file].interfaces[frame.interface].linktype for frame in frames}
    if len(linktypes) > 1:
        raise ValueError(f"a pcap file holds one link type, not {', '.join(map(str, sorted(linktypes)))}")
    with opened(target) as stream:
        writer = PcapWriter(stream, linktypes.pop() if linktypes else 1)
        for frame in frames:
            writer.write(frame.time_ns, frame.data, frame.wire_length)
    return len(frames)
