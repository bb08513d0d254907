"""The dht-rpc envelope: every request and response between nodes.

| request (0x03) | response (0x13) |
|---|---|
| type u8 | type u8 |
| flags uint | flags uint |
| tid u16 | tid u16 |
| to ipv4 | to ipv4 |
| id 32 bytes, flag 1 | id 32 bytes, flag 1 |
| token 32 bytes, flag 2 | token 32 bytes, flag 2 |
| command uint; flag 4: a command of dht-rpc itself | closer_nodes array of ipv4, flag 4 |
| target 32 bytes, flag 8 | error uint, flag 8 |
| value buffer, flag 16 | value buffer, flag 16 |

Bits of `flags` above 16, and bytes after the last field, are ignored, as the reference does.

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

from typing import Final

from protocol.address import Address
from protocol.constants import REQUEST_TYPE, RESPONSE_TYPE, Command, InternalCommand, ResponseError
from protocol.errors import DecodeError
from protocol.rpc_messages import Request, Response
from protocol.wire import Reader, Writer

REQUEST_FLAGS: Final = ("id", "token", "internal", "target", "value")
RESPONSE_FLAGS: Final = ("id", "token", "closer_nodes", "error", "value")


def decode_request(data: bytes, *, cut: bool = False) -> Request:
    """Decode the datagram payload of a request.

    Args:
        data: the payload, from its type byte on.
        cut: the capture kept only the start of the payload; give what is there and set `truncated_at`.

    Raises:
        DecodeError: malformed; or too short for its fields, when `cut` is false or not even the command is left.
    """
    return read_request(Reader(data, "request"), cut=cut)


def decode_response(data: bytes, *, cut: bool = False) -> Response:
    """Decode the datagram payload of a response; `cut` as in `decode_request`.

    Raises:
        DecodeError: malformed; or too short for its fields, when `cut` is false or not even `to` is left.
    """
    return read_response(Reader(data, "response"), cut=cut)


def read_request(r: Reader, *, cut: bool = False) -> Request:
    """Read a request off `r`; see `decode_request`."""
    id_ = token = target = value = truncated_at = command = None
    value_offset = 0
    _read_type(r, REQUEST_TYPE)
    flags = r.flags("flags", REQUEST_FLAGS)
    tid = r.u16("tid")
    to = r.ipv4("to")
    try:
        if flags & 1:
            id_ = r.fixed("id", 32)
        if flags & 2:
            token = r.fixed("token", 32)
        command = r.uint("command", InternalCommand if flags & 4 else Command)
        if flags & 8:
            target = r.fixed("target", 32)
        if flags & 16:
            value = r.buffer("value")
            value_offset = r.origin + r.pos - len(value)
    except DecodeError as error:
        if command is None or not (cut and error.truncated):
            raise
        truncated_at = _name(error)
        if truncated_at == "value":
            value_offset = _content_offset(r)
    return Request(tid, to, command, flags & 4 != 0, id_, token, target, value, truncated_at, value_offset=value_offset)


def read_response(r: Reader, *, cut: bool = False) -> Response:
    """Read a response off `r`; see `decode_response`."""
    id_ = token = value = truncated_at = None
    closer_nodes: tuple[Address, ...] | None = None
    error_code = value_offset = 0
    _read_type(r, RESPONSE_TYPE)
    flags = r.flags("flags", RESPONSE_FLAGS)
    tid = r.u16("tid")
    to = r.ipv4("to")
    try:
        if flags & 1:
            id_ = r.fixed("id", 32)
        if flags & 2:
            token = r.fixed("token", 32)
        if flags & 4:
            closer_nodes = r.ipv4_array("closer_nodes")
        if flags & 8:
            error_code = r.uint("error", ResponseError)
        if flags & 16:
            value = r.buffer("value")
            value_offset = r.origin + r.pos - len(value)
    except DecodeError as error:
        if not (cut and error.truncated):
            raise
        truncated_at = _name(error)
        if truncated_at == "value":
            value_offset = _content_offset(r)
    return Response(tid, to, id_, token, closer_nodes, error_code, value, truncated_at, value_offset=value_offset)


def encode_request(request: Request) -> bytes:
    """Encode a request as the reference does.

    Raises:
        ValueError: a field can't hold its value.
    """
    w = Writer()
    w.integer(REQUEST_TYPE, 1)
    w.uint(
        (request.id is not None)
        | (request.token is not None) << 1
        | request.internal << 2
        | (request.target is not None) << 3
        | (request.value is not None) << 4
    )
    w.integer(request.tid, 2)
    w.ipv4(request.to)
    if request.id is not None:
        w.fixed(request.id, 32)
    if request.token is not None:
        w.fixed(request.token, 32)
    w.uint(request.command)
    if request.target is not None:
        w.fixed(request.target, 32)
    if request.value is not None:
        w.buffer(request.value)
    return w.finish()


def encode_response(response: Response) -> bytes:
    """Encode a response as the reference does; error 0 is left out.

    Raises:
        ValueError: a field can't hold its value.
    """
    w = Writer()
    w.integer(RESPONSE_TYPE, 1)
    w.uint(
        (response.id is not None)
        | (response.token is not None) << 1
        | (response.closer_nodes is not None) << 2
        | (response.error != 0) << 3
        | (response.value is not None) << 4
    )
    w.integer(response.tid, 2)
    w.ipv4(response.to)
    if response.id is not None:
        w.fixed(response.id, 32)
    if response.token is not None:
        w.fixed(response.token, 32)
    if response.closer_nodes is not None:
        w.ipv4_array(response.closer_nodes)
    if response.error:
        w.uint(response.error)
    if response.value is not None:
        w.buffer(response.value)
    return w.finish()


def _read_type(r: Reader, expected: int) -> None:
    start = r.pos
    found = r.u8("type")
    if found != expected:
        r.pos = start
        raise r.malformed("type", f"0x{found:02x} where 0x{expected:02x} is due")


def _name(error: DecodeError) -> str:
    return error.field.rpartition(".")[2].partition("[")[0]


def _content_offset(r: Reader) -> int:
    try:
        r.uint("value")
    except DecodeError:
        return 0
    return r.origin + r.pos if r.pos < len(r.data) else 0
