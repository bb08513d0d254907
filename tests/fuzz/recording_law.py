"""The law of the recording reader.

Law: for all bytes behind a recording's first ones,
- `read_capture` gives a table, or raises CaptureError whose offset lies within them, and nothing else;
- what was read can be recorded again, and that recording reads back as the same packets and notes.
"""

from __future__ import annotations

import io

from capture.errors import CaptureError
from capture.opening import read_capture
from capture.recording.layout import MAGIC
from capture.recording.writing import write_recording
from capture.said import names_of, notes_of
from capture.table import PacketTable


def check(data: bytes) -> None:
    """Hold one input to the law; it is taken to be a recording whatever its first bytes are."""
    body = MAGIC + data[len(MAGIC) :]
    table = outcome(body)
    if isinstance(table, CaptureError):
        assert table.reason
        assert table.offset is None or 0 <= table.offset <= len(body)
        return
    notes, names = notes_of(table.files), names_of(table.files)
    out = io.BytesIO()
    write_recording(out, table, notes=notes, names=names)
    again = read_capture(out.getvalue())
    assert again.payloads(range(len(again))) == table.payloads(range(len(table)))
    assert again.frame.tolist() == table.frame.tolist()
    assert again.time_ns.tolist() == table.time_ns.tolist()
    assert notes_of(again.files) == notes
    assert names_of(again.files) == names


def outcome(body: bytes) -> PacketTable | CaptureError:
    """The table, or the one error that there may be."""
    try:
        return read_capture(body)
    except CaptureError as error:
        return error
