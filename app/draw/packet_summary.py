"""What one datagram says, in a line: kind, command, mode, round, error, or why it can't be read."""

from __future__ import annotations

from typing import Final, NamedTuple

from app.draw import terms
from app.draw.spans import Tone
from app.terminal_text import safe_text
from app.wording import counted, error_name
from protocol.constants import (
    LOW_TTL,
    UDX_HEADER_SIZE,
    Command,
    InternalCommand,
    Mode,
    ResponseError,
    UdxFlag,
)
from protocol.decode import decode_datagram
from protocol.errors import DecodeError
from protocol.messages import (
    Handshake,
    Holepunch,
    HolepunchPayload,
    LookupReply,
    PeerRecord,
    Punch,
    Request,
    Response,
    UdxHeader,
    Undecodable,
)
from protocol.values import Value, decode_request_value, decode_response_value

_SHOWN: Final = 12
"""Bytes of a foreign datagram that a line shows."""

_MODES: Final = {int(mode): mode.name for mode in Mode}
_ERRORS: Final = {int(error): error.name for error in ResponseError}
_TONES: Final[dict[tuple[bool, int], Tone]] = {
    (False, Command.FIND_PEER): Tone.FIND,
    (False, Command.PEER_HANDSHAKE): Tone.HANDSHAKE,
    (False, Command.PEER_HOLEPUNCH): Tone.PROBE,
    (True, InternalCommand.PING): Tone.SAMPLE,
    (True, InternalCommand.PING_NAT): Tone.SAMPLE,
}


class Summary(NamedTuple):
    """What a line says of a datagram; texts are safe."""

    protocol: str
    text: str
    tone: Tone = Tone.PLAIN
    trouble: str = ""
    """Why it, or the value in it, does not decode, or how much of it was kept."""


def summarise(
    payload: bytes,
    wire_length: int,
    ttl: int,
    request: Request | None = None,
    opened: HolepunchPayload | None = None,
    sealed: str = "",
) -> Summary:
    """Say what a datagram is.

    Args:
        payload: its bytes, as far as they were captured.
        wire_length: how many it had.
        ttl: its time to live; 0 where it is not known.
        request: what it answers, where that was seen.
        opened: the holepunch payload in it, where a key opens it.
        sealed: why that stays closed, if there is one.
    """
    message = decode_datagram(payload, wire_length)
    cut = f"{len(payload)} of {counted(wire_length, 'byte')} captured" if wire_length > len(payload) else ""
    match message:
        case Undecodable():
            kind = message.field.partition(".")[0]
            name = kind if kind in ("request", "response", "udx") else "?"
            said = f"{safe_text(message.field)} at byte {message.offset}: {safe_text(message.reason)}"
            return Summary(name, _bytes(payload), Tone.WARN, f"{cut}; {said}" if cut else said)
        case Request():
            value, trouble = _value(message, None)
            parts = [_leg(message, _mode(value)), _round(opened, value, sealed), f"tid {message.tid}"]
            if message.target is not None and not isinstance(value, Handshake | Holepunch):
                parts.append(f"target {terms.key(message.target)}")
            tone = Tone.PUNCH if opened is not None and opened.punching else _tone(message)
            return Summary("request", terms.joined(parts), tone, cut or trouble)
        case Response():
            return _response(message, request, opened, sealed, cut)
        case UdxHeader():
            flags = " ".join(flag.name or "" for flag in UdxFlag if flag & message.flags) or "ACK"
            size = max(0, wire_length - UDX_HEADER_SIZE - message.data_offset)
            held = "" if flags in ("ACK", "SACK", "HEARTBEAT") else counted(size, "byte")
            numbers = f"seq {message.seq} ack {message.ack}"
            return Summary(
                "UDX", terms.joined((flags, f"to stream {message.remote_id}", numbers, held)), Tone.STREAM, cut
            )
        case Punch():
            known = f"TTL {ttl}" if ttl else ""
            name = "opener" if 0 < ttl <= LOW_TTL else "punch"
            return Summary("punch", terms.joined((name, known)), Tone.PUNCH)
        case _:
            return Summary("other", _bytes(payload), Tone.DIM, cut)


def _response(
    message: Response, request: Request | None, opened: HolepunchPayload | None, sealed: str, cut: str
) -> Summary:
    tid = f"tid {message.tid}"
    error = "" if not message.error else f"error {_response_error(message.error)}"
    nodes = "" if message.closer_nodes is None else counted(len(message.closer_nodes), "closer node")
    if request is None:
        size = "" if message.value is None else f"a value of {counted(len(message.value), 'byte')}"
        return Summary("response", terms.joined(("its request was not seen", error, size, nodes, tid)), Tone.DIM, cut)
    value, trouble = _value(message, request)
    said = ""
    if isinstance(value, PeerRecord):
        said = f"found {terms.key(value.public_key)}, {counted(len(value.relay_addresses), 'relay')}"
    elif isinstance(value, LookupReply):
        said = counted(len(value.peers), "peer")
    elif request.internal and request.command == InternalCommand.PING:
        said = f"sees {terms.address(message.to)}"
    mode = _mode(value) or "answer"
    parts = (_leg(request, mode), _round(opened, value, sealed), error, said, nodes, tid)
    return Summary("response", terms.joined(parts), Tone.BAD if error else _tone(request), cut or trouble)


def _value(message: Request | Response, request: Request | None) -> tuple[Value | None, str]:
    """The value of a message, or what is wrong with it."""
    try:
        if isinstance(message, Request):
            return decode_request_value(message), ""
        return (None if request is None else decode_response_value(message, request)), ""
    except DecodeError as error:
        return None, f"{safe_text(error.field)} at byte {error.offset}: {safe_text(error.reason)}"


def _leg(request: Request, mode: str) -> str:
    """Command and leg, as short as the ladder says it."""
    return terms.joined((request.command_name.removeprefix("PEER_"), mode), by=" ")


def _mode(value: Value | None) -> str:
    if not isinstance(value, Handshake | Holepunch):
        return ""
    return _MODES.get(value.mode) or f"MODE({value.mode})"


def _round(opened: HolepunchPayload | None, value: Value | None, sealed: str) -> str:
    """What the payload of a PEER_HOLEPUNCH says."""
    if opened is None:
        return "sealed" if sealed and isinstance(value, Holepunch) else ""
    doing = "connected" if opened.connected else "punching" if opened.punching else ""
    error = error_name(opened.error) if opened.error else ""
    return terms.joined((f"round {opened.round}", doing, terms.firewall(opened.firewall), error), by=" ")


def _response_error(error: int) -> str:
    return _ERRORS.get(error) or str(error)


def _tone(request: Request) -> Tone:
    return _TONES.get((request.internal, request.command), Tone.PLAIN)


def _bytes(payload: bytes) -> str:
    if not payload:
        return "no bytes"
    shown = payload[:_SHOWN]
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in shown)
    return f"{shown.hex(' ')}{' …' if len(payload) > _SHOWN else ''}  {text}"
