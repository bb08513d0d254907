"""UDP payloads behind a mask.

| payload | masked |
|---|---|
| request, response | every field in its place; opaque what no field accounts for |
| UDX | header and plausible ranges of sequence numbers as they are, the first data bytes opaque, then zeros |
| one-byte punch | itself |
| no sound message of ours | the bytes that say what it is, the rest opaque |
| another protocol | as many bytes of no protocol: what they were can't be told |

Lengths stay. Equal payloads give equal ones, different ones different ones; the start of one gives the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from capture.masking.bodies import Bodies
from capture.masking.fields import FieldMask
from capture.masking.mask import Mask
from protocol.address import Address
from protocol.constants import PUNCH, REQUEST_TYPE, RESPONSE_TYPE, UDX_HEADER_SIZE, UDX_MAGIC, UDX_VERSION, UdxFlag
from protocol.envelope import decode_request, read_request, read_response
from protocol.errors import DecodeError
from protocol.rpc_messages import Request
from protocol.sealed_values import read_holepunch_payload, read_noise_payload
from protocol.udx import decode_udx
from protocol.values import request_value, response_value
from protocol.wire import Reader

Read = Callable[[Reader], object]

_UDX_START: Final = bytes((UDX_MAGIC, UDX_VERSION))
_FOREIGN: Final = 0x7F
"""First byte of what stands for another protocol: no message of ours begins with it."""
_TOLD_APART: Final = 16
"""Data bytes that are kept different from each other."""
_MALFORMED: Final = 4
"""Bytes of a malformed UDX packet that say what is wrong with it."""
_NOWHERE: Final = Address("0.0.0.0", 0)
_FAR: Final = 1 << 20
"""Packets by which an acknowledged range may be ahead."""


class PayloadMask:
    """Masks payloads and plaintexts.

    Args:
        mask: what stands for what.
        bodies: what stands for sealed bodies.
    """

    def __init__(self, mask: Mask, bodies: Bodies) -> None:
        self._mask = mask
        self._bodies = bodies

    def payload(self, payload: bytes, wire_length: int, request: tuple[bool, int] | None = None) -> bytes:
        """What stands for a payload.

        Args:
            payload: as much of it as was captured.
            wire_length: its length when it was sent.
            request: internal or not, and command, of what a response answers; None where that is not known.
        """
        if payload in (PUNCH, b""):
            return payload
        if payload.startswith(_UDX_START):
            return self._udx(payload, wire_length)
        cut = wire_length > len(payload)
        if payload[0] == REQUEST_TYPE:
            return self._request(payload, cut)
        if payload[0] == RESPONSE_TYPE:
            return self._response(payload, cut, request)
        if cut and _UDX_START.startswith(payload):
            return payload
        return self._foreign(payload)

    def holepunch_plaintext(self, plaintext: bytes) -> bytes:
        """What stands for an opened holepunch payload."""
        return FieldMask(plaintext, self._mask, self._bodies.masked).run(read_holepunch_payload)

    def noise_plaintext(self, plaintext: bytes) -> bytes:
        """What stands for an opened payload of a noise message."""
        return FieldMask(plaintext, self._mask, self._bodies.masked).run(read_noise_payload)

    def _request(self, payload: bytes, cut: bool) -> bytes:
        reader = FieldMask(payload, self._mask, self._bodies.masked, values=True)
        out = reader.run(lambda r: read_request(r, cut=cut))
        if reader.value_at is None:
            return out
        try:
            layout = request_value(decode_request(payload, cut=True))
        except DecodeError:
            layout = None
        return self._with_value(payload, out, reader.value_at, None if layout is None else layout[1])

    def _response(self, payload: bytes, cut: bool, request: tuple[bool, int] | None) -> bytes:
        reader = FieldMask(payload, self._mask, self._bodies.masked, values=True)
        out = reader.run(lambda r: read_response(r, cut=cut))
        if reader.value_at is None:
            return out
        layout = None
        if request is not None:
            internal, command = request
            layout = response_value(Request(0, _NOWHERE, command, internal))
        return self._with_value(payload, out, reader.value_at, None if layout is None else layout[1])

    def _with_value(self, payload: bytes, out: bytes, place: tuple[int, int], read: Read | None) -> bytes:
        start, end = place
        value = payload[start:end]
        if read is None:
            masked = self._mask.opaque(value)
        else:
            masked = FieldMask(value, self._mask, self._bodies.masked).run(read)
        return out[:start] + masked + out[end:]

    def _udx(self, payload: bytes, wire_length: int) -> bytes:
        try:
            header = decode_udx(payload, wire_length)
        except DecodeError:
            return payload[:_MALFORMED] + self._mask.opaque(payload[_MALFORMED:])
        end = UDX_HEADER_SIZE
        if header.flags & UdxFlag.SACK and all(header.ack < a < b < header.ack + _FAR for a, b in header.sacks):
            end += 8 * len(header.sacks)
        data = payload[end:]
        pad = self._mask.mapping.digest(b"udx", payload[:UDX_HEADER_SIZE], _TOLD_APART)
        told = bytes(a ^ b for a, b in zip(data, pad, strict=False))
        return payload[:end] + told + bytes(len(data) - len(told))

    def _foreign(self, payload: bytes) -> bytes:
        told = self._mask.opaque(payload[: _TOLD_APART + 1])
        return bytes((_FOREIGN,)) + told[1:] + bytes(len(payload) - len(told))
