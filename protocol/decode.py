"""From the payload of a UDP datagram to a message: total, whatever the bytes are.

| first bytes | message |
|---|---|
| 0x03 | Request |
| 0x13 | Response |
| 0xff 0x01 | UdxHeader |
| 0x00 and nothing else | Punch |
| anything else | Foreign |

What begins as one of these and does not go on as it must is Undecodable.

Source: npm dht-rpc 6.27.0 (lib/io.js), hyperdht 6.34.0 (lib/holepuncher.js), libudx (src/udx.c).
"""

from __future__ import annotations

from protocol.constants import PUNCH, REQUEST_TYPE, RESPONSE_TYPE, UDX_MAGIC, UDX_VERSION
from protocol.envelope import decode_request, decode_response
from protocol.errors import DecodeError
from protocol.messages import Foreign, Message, Punch, Undecodable
from protocol.udx import decode_udx

_REQUEST = bytes((REQUEST_TYPE,))
_RESPONSE = bytes((RESPONSE_TYPE,))
_UDX_START = bytes((UDX_MAGIC, UDX_VERSION))


def decode_datagram(payload: bytes, wire_length: int | None = None) -> Message:
    """Decode the payload of a UDP datagram. Never raises on account of the bytes.

    Args:
        payload: the payload, or as much of its start as the capture kept.
        wire_length: how long the payload was when it was sent, in bytes; None when `payload` is all of it. When it is
            longer than `payload`, the message has what is there and `truncated_at` names the first field that is not;
            if the cut is before a field that every message of its kind has, the result is Undecodable, `truncated`.
    """
    cut = wire_length is not None and wire_length > len(payload)
    try:
        if payload.startswith(_UDX_START):
            return decode_udx(payload, wire_length)
        if payload[:1] == _REQUEST:
            return decode_request(payload, cut=cut)
        if payload[:1] == _RESPONSE:
            return decode_response(payload, cut=cut)
    except DecodeError as error:
        return Undecodable(error.field, error.offset, error.reason, truncated=cut and error.truncated)
    if cut and len(payload) < len(_UDX_START) and _UDX_START.startswith(payload):
        return Undecodable("datagram.type", len(payload), "cut before it says what it is", truncated=True)
    if payload == PUNCH and not cut:
        return Punch()
    return Foreign()
