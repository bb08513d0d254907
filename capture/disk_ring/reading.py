"""Reading the files of a ring as the one capture that they are: one source, one clock, frames that count on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from capture.capture_file import CaptureFile
from capture.disk_ring.names import base_of
from capture.duplicates import mark_copies
from capture.errors import CaptureError, EnoughError
from capture.frames import Findings, Frames
from capture.ingest import Ingest
from capture.opening import loaded, reader_of
from capture.said import Said
from capture.table import PacketTable

if TYPE_CHECKING:
    from capture.opening import Progress


def read_ring(paths: Sequence[str], table: PacketTable, progress: Progress | None = None) -> None:
    """Read files that follow each other into a table.

    Where one of them is damaged or cut, as by the sudden end of who wrote it, the next one goes on.

    Args:
        paths: in the order in which they were written.
        table: where to.
        progress: as for `capture.opening.open_captures`.

    Raises:
        CaptureError: none of them can be read, or one shrinks meanwhile.
    """
    file = CaptureFile(base_of(paths[-1]) or paths[-1], "pcapng", interfaces=[])
    ingest = Ingest(table, file)
    start, errors, damages = len(table), list[CaptureError](), list[str]()
    for number, path in enumerate(paths):
        try:
            damage = _read_part(path, table, file, ingest, progress)
        except CaptureError as error:
            if table.segments and table.segments[-1].path == path:
                raise  # it shrank, and rows of it are in the table
            errors.append(error)
            damage = error.reason
        if damage is not None:
            damages.append(f"{os.path.basename(path)}: {damage}")
        if file.stopped:
            left = len(paths) - number - 1
            file.notes += [f"not read at all, because reading was stopped: the last {left} files"] if left else []
            break
    if len(errors) == len(paths):
        raise errors[0]
    ingest.finish()
    file.duplicates = mark_copies(table, start, len(table), start, file.knowledge)
    if file.said is not None:
        file.notes += file.said.summary()
    file.truncated = "; ".join(damages) or None


def _read_part(
    path: str, table: PacketTable, file: CaptureFile, ingest: Ingest, progress: Progress | None
) -> str | None:
    """Read one file behind what was read; what is wrong with it.

    Raises:
        CaptureError: it is no capture.
    """
    raw, damage = loaded(path)
    reader = reader_of(raw, path)
    findings, packets, interfaces = reader.findings, file.packets, len(file.interfaces)
    file.format = findings.format
    table.segments.append(raw)
    table.read_segments = len(table.segments)
    for frames in reader.batches():
        file.interfaces[interfaces:] = findings.interfaces
        ingest.add(len(table.segments) - 1, _behind(frames, packets, interfaces))
        raw.check_size()
        if progress is not None:
            try:
                done = int(frames.window.at[-1])
                progress(f"reading {os.path.basename(path)}", done, raw.size, file.packets)
            except EnoughError:
                file.stopped = True
                file.notes.append(f"reading was stopped at byte {done} of {raw.size} of {os.path.basename(path)}")
                break
    file.interfaces[interfaces:] = findings.interfaces
    _take_over(findings, file, packets)
    return "; ".join(filter(None, (damage, findings.damage))) or None


def _behind(frames: Frames, packets: int, interfaces: int) -> Frames:
    if not packets and not interfaces:
        return frames
    return frames._replace(
        interface=frames.interface + frames.interface.dtype.type(interfaces), number=frames.number + packets
    )


def _take_over(findings: Findings, file: CaptureFile, packets: int) -> None:
    """What the reader has found besides frames."""
    file.packets += findings.others
    file.not_udp += findings.others
    file.notes += [note for note in findings.notes if note not in file.notes]
    if findings.said is not None:
        file.said = file.said or Said()
        file.said.add(findings.said, packets)
    if findings.dropped:
        file.dropped = (file.dropped or 0) + sum(findings.dropped.values())
    if findings.secrets:
        from capture.secret_blocks import key_logs, others

        file.secrets += key_logs(findings.secrets)
        file.notes += others(findings.secrets)
