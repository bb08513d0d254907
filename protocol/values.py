"""The value of every command, found by the command: one door to the codecs of `value` fields.

A response does not say what it answers, so the request's command decides what its value is.

Source: npm hyperdht 6.34.0 (index.js, lib/messages.js) and dht-rpc 6.27.0 (index.js).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from protocol.constants import Command, InternalCommand
from protocol.messages import (
    Address,
    Announce,
    Handshake,
    Holepunch,
    LookupReply,
    MutableGetReply,
    MutablePut,
    PeerRecord,
    PluginRequest,
    Request,
    Response,
)
from protocol.node_values import (
    decode_delayed_ping,
    decode_down_hint,
    decode_ping_nat,
    encode_delayed_ping,
    encode_down_hint,
    encode_ping_nat,
    read_delayed_ping,
    read_down_hint,
    read_ping_nat,
)
from protocol.peer_values import (
    decode_announce,
    decode_handshake,
    decode_holepunch,
    decode_lookup_reply,
    decode_mode,
    decode_peer_record,
    encode_announce,
    encode_handshake,
    encode_holepunch,
    encode_lookup_reply,
    encode_peer_record,
    read_announce,
    read_handshake,
    read_holepunch,
    read_lookup_reply,
    read_peer_record,
)
from protocol.sealed_values import (
    decode_holepunch_payload,
    decode_noise_payload,
    encode_holepunch_payload,
    encode_noise_payload,
)
from protocol.storage_values import (
    decode_mutable_get,
    decode_mutable_get_reply,
    decode_mutable_put,
    decode_plugin_request,
    encode_mutable_get,
    encode_mutable_get_reply,
    encode_mutable_put,
    encode_plugin_request,
    read_mutable_get,
    read_mutable_get_reply,
    read_mutable_put,
    read_plugin_request,
)
from protocol.wire import Reader

__all__ = [
    "Value",
    "decode_announce",
    "decode_delayed_ping",
    "decode_down_hint",
    "decode_handshake",
    "decode_holepunch",
    "decode_holepunch_payload",
    "decode_lookup_reply",
    "decode_mode",
    "decode_mutable_get",
    "decode_mutable_get_reply",
    "decode_mutable_put",
    "decode_noise_payload",
    "decode_peer_record",
    "decode_ping_nat",
    "decode_plugin_request",
    "decode_request_value",
    "decode_response_value",
    "encode_announce",
    "encode_delayed_ping",
    "encode_down_hint",
    "encode_handshake",
    "encode_holepunch",
    "encode_holepunch_payload",
    "encode_lookup_reply",
    "encode_mutable_get",
    "encode_mutable_get_reply",
    "encode_mutable_put",
    "encode_noise_payload",
    "encode_peer_record",
    "encode_ping_nat",
    "encode_plugin_request",
    "request_value",
    "response_value",
]

Value = (
    Handshake
    | Holepunch
    | PeerRecord
    | LookupReply
    | Announce
    | MutablePut
    | MutableGetReply
    | PluginRequest
    | Address
    | int
    | bytes
)
"""A decoded value: Address of a DOWN_HINT, int of PING_NAT (port), DELAYED_PING (ms) and MUTABLE_GET (seq), bytes where
the protocol gives them no form."""

Layout = tuple[str, Callable[[Reader], Value]]
"""The name of a value, as errors and message views say it, and what reads it."""

_REQUESTS: Final[dict[tuple[bool, int], Layout]] = {
    (False, Command.PEER_HANDSHAKE): ("handshake", read_handshake),
    (False, Command.PEER_HOLEPUNCH): ("holepunch", read_holepunch),
    (False, Command.ANNOUNCE): ("announce", read_announce),
    (False, Command.UNANNOUNCE): ("announce", read_announce),
    (False, Command.MUTABLE_PUT): ("mutable_put", read_mutable_put),
    (False, Command.MUTABLE_GET): ("mutable_get", read_mutable_get),
    (False, Command.PLUGIN): ("plugin", read_plugin_request),
    (True, InternalCommand.PING_NAT): ("ping_nat", read_ping_nat),
    (True, InternalCommand.DOWN_HINT): ("down_hint", read_down_hint),
    (True, InternalCommand.DELAYED_PING): ("delayed_ping", read_delayed_ping),
}
_RESPONSES: Final[dict[tuple[bool, int], Layout]] = {
    (False, Command.PEER_HANDSHAKE): ("handshake", read_handshake),
    (False, Command.PEER_HOLEPUNCH): ("holepunch", read_holepunch),
    (False, Command.FIND_PEER): ("peer", read_peer_record),
    (False, Command.LOOKUP): ("lookup", read_lookup_reply),
    (False, Command.MUTABLE_GET): ("mutable_get_reply", read_mutable_get_reply),
}


def request_value(request: Request) -> Layout | None:
    """The layout of this request's value; None if the protocol gives it none."""
    return _REQUESTS.get((request.internal, request.command))


def response_value(request: Request) -> Layout | None:
    """The layout of the value of a response to this request; None if the protocol gives it none."""
    return _RESPONSES.get((request.internal, request.command))


def decode_request_value(request: Request) -> Value | None:
    """Decode the value of a request; None if it has none.

    Raises:
        DecodeError: malformed; the offset counts from the start of the datagram payload.
    """
    return _decode(request, request_value(request))


def decode_response_value(response: Response, request: Request) -> Value | None:
    """Decode the value of the response to `request`; None if it has none.

    Raises:
        DecodeError: malformed; the offset counts from the start of the datagram payload.
    """
    return _decode(response, response_value(request))


def _decode(message: Request | Response, layout: Layout | None) -> Value | None:
    if message.value is None or layout is None:
        return message.value
    name, read = layout
    return read(Reader(message.value, name, message.value_offset))
