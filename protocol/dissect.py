"""The fields of a message with the bytes each one came from, for a message view.

The leaves of every tree cover the bytes exactly once and in order: what follows the last field is `trailing` (the
reference ignores it), what could not be read is `undecoded`, with the reason as a note on the field around it.

Source of the layouts: the decoders of `protocol.envelope`, `protocol.values` and `protocol.udx`, which run here too.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.decode import decode_datagram
from protocol.envelope import decode_request, read_request, read_response
from protocol.errors import DecodeError
from protocol.messages import Request, Undecodable
from protocol.sealed_values import read_holepunch_payload, read_noise_payload
from protocol.spans import Field, SpanReader
from protocol.udx import read_udx
from protocol.values import Layout, request_value, response_value

__all__ = ["Field", "dissect", "dissect_holepunch_payload", "dissect_noise_payload"]


def dissect(payload: bytes, wire_length: int | None = None, *, request: Request | None = None) -> Field:
    """The fields of one UDP payload; never raises on account of the bytes.

    Args:
        payload: the payload, or as much of its start as the capture kept.
        wire_length: its length when it was sent, in bytes; None when `payload` is all of it.
        request: what a response answers, which decides what its value is.

    Returns:
        A field over the whole payload, named request, response, udx, punch, foreign, or datagram if too little was
        kept to tell.
    """
    message = decode_datagram(payload, wire_length)
    kind = message.field.partition(".")[0] if isinstance(message, Undecodable) else type(message).__name__.lower()
    reader = SpanReader(payload, kind)
    if kind == "request":
        fields, trouble = reader.run(read_request)
        fields = _with_value(fields, _own_value(payload), "")
    elif kind == "response":
        fields, trouble = reader.run(read_response)
        layout = None if request is None else response_value(request)
        fields = _with_value(fields, layout, "" if request is not None else "its request was not seen")
    elif kind in ("udx", "udxheader"):
        kind = "udx"
        fields, trouble = reader.run(lambda r: read_udx(r, wire_length), rest="data")
    else:
        fields, trouble = reader.run(lambda _: None, rest="bytes")
    wrong = isinstance(message, Undecodable) and not message.truncated
    if wire_length is not None and wire_length > len(payload):
        cut = f"the capture kept {len(payload)} of {wire_length} bytes"
        trouble = f"{cut}; {trouble}" if trouble else cut
    return Field(kind, None, 0, len(payload), fields, trouble, wrong)


def dissect_noise_payload(plaintext: bytes) -> Field:
    """The fields of an opened noise payload; ranges count from the start of the plaintext."""
    fields, trouble = SpanReader(plaintext, "noise_payload").run(read_noise_payload)
    return Field("noise_payload", None, 0, len(plaintext), fields, trouble, trouble != "")


def dissect_holepunch_payload(plaintext: bytes) -> Field:
    """The fields of an opened holepunch payload; ranges count from the start of the plaintext."""
    fields, trouble = SpanReader(plaintext, "holepunch_payload").run(read_holepunch_payload)
    return Field("holepunch_payload", None, 0, len(plaintext), fields, trouble, trouble != "")


def _own_value(payload: bytes) -> Layout | None:
    try:
        return request_value(decode_request(payload, cut=True))
    except DecodeError:
        return None


def _with_value(fields: tuple[Field, ...], layout: Layout | None, note: str) -> tuple[Field, ...]:
    """The fields with those of the value in place of its bytes."""
    return tuple(_expanded(field, layout, note) if field.name == "value" else field for field in fields)


def _expanded(field: Field, layout: Layout | None, note: str) -> Field:
    if layout is None or not isinstance(field.value, bytes):
        return replace(field, note=field.note or note)
    name, read = layout
    length = field.children[0]
    inner, trouble = SpanReader(field.value, name, length.end).run(read)
    return replace(
        field, children=(length, *inner), note=field.note or trouble or name, wrong=field.wrong or trouble != ""
    )
