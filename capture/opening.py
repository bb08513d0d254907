"""Opening captures: whatever the user names, in whatever container, becomes one packet table.

What only some captures need is imported when one turns up: starting takes longer than reading a small capture.
"""

from __future__ import annotations

import mmap
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

from capture.allocator import keep_freed_memory
from capture.capture_file import CaptureFile
from capture.disk_ring.names import chains
from capture.duplicates import mark_copies
from capture.errors import CaptureError, EnoughError
from capture.frames import FrameReader, Frames
from capture.ingest import Ingest
from capture.links import linktype_name
from capture.pcap import PcapReader, is_pcap
from capture.raw import Raw
from capture.table import PacketTable
from capture.waiting_input import patient, read_waiting, taken_back

STANDARD_INPUT: Final = "-"
GZIP: Final = b"\x1f\x8b"
PCAPNG: Final = b"\x0a\x0d\x0d\x0a"
RECORDING: Final = b"\xd9\xd9\xf7"
_READ_WHOLE: Final = 4 << 20
"""Files up to this size are read, longer ones mapped: a mapped file that another program shortens ends the process."""


class Progress(Protocol):
    """Is told how far a reading is. What it raises stops it; after `EnoughError` what was read is used."""

    def __call__(self, doing: str, done: int, total: int, packets: int = 0, /) -> None:
        """Take a report.

        Args:
            doing: what is being done.
            done: how much of it is done; bytes while a file is read.
            total: how much there is.
            packets: of the file, while it is read.
        """
        ...


def open_captures(
    paths: Sequence[str], progress: Progress | None = None, ahead: Mapping[str, float] | None = None
) -> PacketTable:
    """Read capture files (``-`` is standard input) into one table.

    Args:
        paths: capture files; those of one ring (`capture.disk_ring`) are one capture.
        progress: told of bytes and packets that were read; what it raises stops the reading. After an `EnoughError`
            what was read so far is all there is, as the notes of its file say.
        ahead: by how many seconds the clocks of some files, by path, are known to be ahead of the first one's; those of
            the others are estimated.

    Raises:
        CaptureError: one of them can't be read as a capture. Damage after good packets is no error: see
            `CaptureFile.truncated`.
    """
    table = PacketTable()
    ahead_ns: dict[int, int] = {}
    sources = chains(paths)
    for number, chain in enumerate(sources, 1):
        known = [ahead[path] for path in chain if path in ahead] if ahead else []
        if known:
            ahead_ns[len(table.files)] = round(known[0] * 1e9)
        if len(chain) > 1:
            from capture.disk_ring.reading import read_ring

            read_ring(chain, table, progress)
        else:
            read_capture(chain[0], table, progress)
        if table.files[-1].stopped and number < len(sources):
            unread = ", ".join(os.path.basename(path) or path for other in sources[number:] for path in other)
            table.files[-1].notes.append(f"not read at all, because reading was stopped: {unread}")
            break
    if len(table.files) > 1 or ahead_ns:
        from capture.vantages import merge_vantages

        if progress is not None:
            progress("comparing the files", 0, 1)
        merge_vantages(table, ahead_ns)
    return table


def read_capture(
    source: str | bytes, table: PacketTable | None = None, progress: Progress | None = None
) -> PacketTable:
    """Read one capture, a path or the bytes of one, into a table.

    Args:
        source: path or content.
        table: where to; None is a new one.
        progress: as for `open_captures`.

    Raises:
        CaptureError: it can't be read as a capture, or shrinks meanwhile.
    """
    table = PacketTable() if table is None else table
    path = source if isinstance(source, str) else "<memory>"
    buffer, whole = _load(source, progress) if isinstance(source, str) else (source, True)
    damage, came = None, len(buffer)
    if not whole and progress is not None:
        progress = patient(progress)
    if buffer[:2] == GZIP:
        from capture.compressed import unfold

        buffer, damage = unfold(buffer, path)
    if not len(buffer):
        raise CaptureError(path, "the file is empty" if whole else "nothing had come when reading was stopped")
    keep_freed_memory()
    raw = Raw(buffer, path)
    if bytes(buffer[: len(RECORDING)]) == RECORDING:
        return _read_recording(raw, path, table, progress, damage)
    reader = reader_of(raw, path)
    findings = reader.findings
    file = CaptureFile(path, findings.format, interfaces=findings.interfaces)
    if not whole:
        file.stopped = True
        file.notes.append(f"reading was stopped after {came} bytes: what would have come is not shown")
    ingest = Ingest(table, file)
    start = len(table)
    table.segments.append(raw)
    for frames in reader.batches():
        if not file.packets:
            table.reserve(_expected_rows(raw, frames))
        ingest.add(len(table.segments) - 1, frames)
        raw.check_size()
        if progress is not None and _had_enough(progress, file, int(frames.window.at[-1]), raw.size):
            break
    ingest.finish()
    file.packets += findings.others
    file.not_udp += findings.others
    if file.packets and sum(file.unreadable.values()) == file.packets:
        linktype = next(iter(file.unreadable))
        raise CaptureError(path, f"link type {linktype} ({linktype_name(linktype)}) can't be read")
    if progress is not None:
        progress("marking what was captured twice", 0, 1)
    file.duplicates = mark_copies(table, start, len(table), start, file.knowledge)
    file.notes += findings.notes
    if findings.said is not None:
        file.said = findings.said
        file.notes += file.said.summary()
    file.dropped = sum(findings.dropped.values()) if findings.dropped else None
    if findings.secrets:
        from capture.secret_blocks import key_logs, others

        file.secrets = key_logs(findings.secrets)
        file.notes += others(findings.secrets)
    file.truncated = findings.damage or damage
    if findings.damage and damage:
        file.truncated = f"{damage}; {findings.damage}"
    return table


def _had_enough(progress: Progress, file: CaptureFile, done: int, size: int) -> bool:
    """Tell how far the reading of a file is; whether it is to end there."""
    try:
        progress(f"reading {os.path.basename(file.path) or file.path}", done, size, file.packets)
    except EnoughError:
        file.stopped = True
        file.notes.append(f"reading was stopped at byte {done} of {size}: what comes after is not shown")
    return file.stopped


def _read_recording(
    raw: Raw, path: str, table: PacketTable, progress: Progress | None, damage: str | None
) -> PacketTable:
    """Read a recording; `damage` is that of a compressed one."""
    from capture.recording.reading import RecordingReader

    first = len(table.files)
    shown = f"reading {os.path.basename(path) or path}"

    def report(done: int, size: int) -> None:
        # Its parts belong together: it is read to its end even if somebody has had enough.
        if progress is not None:
            with suppress(EnoughError):
                progress(shown, done, size)

    RecordingReader(raw, path).read(table, report)
    if damage:
        file = table.files[first]
        file.truncated = damage if file.truncated is None else f"{damage}; {file.truncated}"
    return table


def _expected_rows(raw: Raw, frames: Frames) -> int:
    """About how many frames a file has, going by its first ones; room for too many costs nothing."""
    count = frames.time_ns.size
    end = int(frames.window.at[-1]) + int(frames.length[-1])
    return count if end >= raw.size - end // 8 else int(raw.size / end * count * 1.1)


def loaded(path: str) -> tuple[Raw, str | None]:
    """A file, unfolded if it is compressed, and what is damaged about that.

    Raises:
        CaptureError: it can't be read.
    """
    buffer, _ = _load(path, None)
    damage = None
    if buffer[:2] == GZIP:
        from capture.compressed import unfold

        buffer, damage = unfold(buffer, path)
    if not len(buffer):
        raise CaptureError(path, "the file is empty")
    keep_freed_memory()
    return Raw(buffer, path), damage


def reader_of(raw: Raw, path: str) -> FrameReader:
    """The reader for the format of a capture.

    Raises:
        CaptureError: it is none that can be read, or its header is damaged.
    """
    head = bytes(raw.buffer[:4])
    if is_pcap(head):
        return PcapReader(raw, path)
    if head == PCAPNG:
        from capture.pcapng import PcapngReader

        return PcapngReader(raw, path)
    text = all(byte in b"\t\n\r\f" or 32 <= byte < 127 or byte >= 128 for byte in bytes(raw.buffer[:64]))
    raise CaptureError(path, "a text file, not a capture" if text else "neither pcap, pcapng nor a recording", 0)


def _load(path: str, progress: Progress | None) -> tuple[bytes | mmap.mmap, bool]:
    """The content, and whether that is all of it."""
    try:
        if path == STANDARD_INPUT:
            if progress is None:
                return taken_back() + sys.stdin.buffer.read(), True
            return read_waiting(sys.stdin.fileno(), "standard input", progress, taken_back())
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                return read_waiting(file.fileno(), os.path.basename(path) or path, progress)
            if found.st_size <= _READ_WHOLE:
                return file.read(), True
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), True
    except OSError as error:
        raise CaptureError(path, (error.strerror or str(error)).lower()) from error
    except ValueError as error:
        raise CaptureError(path, str(error)) from error
