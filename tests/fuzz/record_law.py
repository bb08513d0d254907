"""The law of the reader of sensors' records.

Law: for all bytes,
- `decode_record` gives a record, or raises RecordError that names a field, an offset within them and a reason, and
  nothing else; without readings it does so too, and refuses nothing that it takes with them;
- a record that was read can be written, if it is not too large then, and reads back as the same.
"""

from __future__ import annotations

from capture.sensors.decoding import RecordError, decode_record
from capture.sensors.records import MOST_BYTES, PacketsRecord, Record, encode_record

_LARGE = MOST_BYTES // 16
"""Numbers may come in longer forms than they are written in; none grows by more than this."""


def check(data: bytes) -> None:
    """Hold one input to the law."""
    record, without = outcome(data, readings=True), outcome(data, readings=False)
    for one in (record, without):
        if isinstance(one, RecordError):
            assert one.field
            assert one.reason
            assert 0 <= one.offset <= len(data)
    if isinstance(record, RecordError):
        return
    assert not isinstance(without, RecordError)
    if isinstance(record, PacketsRecord):
        bare = tuple(frame._replace(reading=None) for frame in record.frames)
        assert without == PacketsRecord(record.head, record.source, bare)
    if len(data) < _LARGE:
        assert decode_record(encode_record(record)) == record


def outcome(data: bytes, *, readings: bool) -> Record | RecordError:
    """The record, or the one error that there may be."""
    try:
        return decode_record(data, readings=readings)
    except RecordError as error:
        return error
