"""What the fields of the filter language are in one packet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from capture.filter.checks import Held
from capture.filter.fields import one
from capture.filter.spelling import command_word, error_word, firewall_word
from protocol.messages import HolepunchPayload, NoisePayload, Request, Response, UdxHeader

if TYPE_CHECKING:
    from capture.filter.packet import Packet


def to_of(packet: Packet) -> tuple[Held, ...]:
    """The receiver that its envelope names."""
    message = packet.message
    return (message.to,) if isinstance(message, Request | Response) else ()


def tid_of(packet: Packet) -> tuple[Held, ...]:
    """Its transaction id."""
    message = packet.message
    return (message.tid,) if isinstance(message, Request | Response) else ()


def command_of(packet: Packet) -> tuple[Held, ...]:
    """The command of its request."""
    request = packet.request
    return () if request is None else (command_word(request.command, internal=request.internal),)


def _stated(packet: Packet) -> HolepunchPayload | NoisePayload | None:
    said = packet.said
    return None if isinstance(said, NoisePayload) and said.version != 1 else said


def firewall_of(packet: Packet) -> tuple[Held, ...]:
    """The NAT class that its payload states."""
    said = _stated(packet)
    return () if said is None else (firewall_word(said.firewall),)


def error_of(packet: Packet) -> tuple[Held, ...]:
    """The errors that it states."""
    said = _stated(packet)
    stated = () if said is None or not said.error else (error_word(said.error),)
    return (*one(packet.response_error), *stated)


def round_of(packet: Packet) -> tuple[Held, ...]:
    """The round number that its payload states."""
    return (packet.said.round,) if isinstance(packet.said, HolepunchPayload) else ()


def udx_id_of(packet: Packet) -> tuple[Held, ...]:
    """The stream id of a UDX packet."""
    return (packet.message.remote_id,) if isinstance(packet.message, UdxHeader) else ()


def text_of(packet: Packet) -> Iterator[str]:
    """The words of a packet that a free text is looked for in, each on its own."""
    found = (*command_of(packet), *error_of(packet), *firewall_of(packet), *to_of(packet))
    yield packet.kind
    yield from map(str, found)
    yield from (str(role) for role in packet.roles)
    yield from (str(packet.src), str(packet.dst))
    if packet.mode is not None:
        yield packet.mode
    if packet.target is not None:
        yield packet.target.hex()
