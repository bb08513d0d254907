"""The fields that are asked of packets, and those that are asked of either."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from capture.direction import Direction
from capture.filter.attempt_fields import FIREWALLS, TOKENS, flow_text, rounds_of, tokens_of
from capture.filter.checks import When
from capture.filter.fields import Field, Kind, one
from capture.filter.packet_values import command_of, error_of, firewall_of, round_of, text_of, tid_of, to_of, udx_id_of
from capture.filter.spelling import (
    COMMANDS,
    ERRORS,
    KINDS,
    MODES,
)
from capture.model import Role
from protocol.messages import HolepunchPayload

if TYPE_CHECKING:
    from capture.filter.columns import Column
    from capture.filter.packets import Part


def _columns(name: str) -> Callable[[Part], tuple[Column, ...]]:
    """A function of `packet_columns`, imported when it is called: numpy is slow to start."""

    def make(part: Part) -> tuple[Column, ...]:
        from capture.filter import packet_columns

        found: tuple[Column, ...] = getattr(packet_columns, name)(part)
        return found

    return make


PACKET_FIELDS: Final = (
    Field(
        "command",
        Kind.WORD,
        "the command of a request, and of the request that a response answers",
        of_packet=command_of,
        columns=_columns("commands"),
        words=COMMANDS,
        aliases=("hyperdht.command",),
    ),
    Field(
        "kind",
        Kind.WORD,
        "what kind of datagram it is",
        of_packet=lambda p: (p.kind,),
        columns=_columns("kinds"),
        words=KINDS,
    ),
    Field(
        "mode",
        Kind.WORD,
        "the leg of a relayed PEER_HANDSHAKE or PEER_HOLEPUNCH",
        of_packet=lambda p: one(p.mode),
        columns=_columns("modes"),
        words=MODES,
        aliases=("hyperdht.peer_handshake.mode", "hyperdht.peer_holepunch.mode"),
    ),
    Field(
        "role",
        Kind.WORD,
        "what the sender is in an attempt",
        of_packet=lambda p: tuple(str(role) for role in p.roles),
        columns=_columns("roles"),
        words=tuple(Role),
        settled=False,
    ),
    Field(
        "addr",
        Kind.ADDRESS,
        "source or destination",
        of_packet=lambda p: (p.src, p.dst),
        columns=_columns("addresses"),
        aliases=("ip.addr",),
    ),
    Field(
        "src",
        Kind.ADDRESS,
        "where it came from",
        of_packet=lambda p: (p.src,),
        columns=_columns("sources"),
        aliases=("ip.src",),
    ),
    Field(
        "dst",
        Kind.ADDRESS,
        "where it was sent",
        of_packet=lambda p: (p.dst,),
        columns=_columns("destinations"),
        aliases=("ip.dst",),
    ),
    Field(
        "to",
        Kind.ADDRESS,
        "the receiver as the sender sees it, in the envelope",
        of_packet=to_of,
        columns=_columns("receivers"),
    ),
    Field(
        "port",
        Kind.NUMBER,
        "source or destination port",
        of_packet=lambda p: (p.src.port, p.dst.port),
        columns=_columns("ports"),
        aliases=("udp.port",),
    ),
    Field(
        "src.port",
        Kind.NUMBER,
        "source port",
        of_packet=lambda p: (p.src.port,),
        columns=_columns("source_ports"),
        aliases=("udp.srcport",),
    ),
    Field(
        "dst.port",
        Kind.NUMBER,
        "destination port",
        of_packet=lambda p: (p.dst.port,),
        columns=_columns("destination_ports"),
        aliases=("udp.dstport",),
    ),
    Field("tid", Kind.NUMBER, "transaction id", of_packet=tid_of, columns=_columns("transactions")),
    Field(
        "target",
        Kind.HEX,
        "what is asked for: of an attempt the hash of the server's public key, of a packet what its request names",
        of_flow=lambda f: (f.target.hex(),),
        of_packet=lambda p: one(p.target and p.target.hex()),
        columns=_columns("targets"),
    ),
    Field(
        "round",
        Kind.NUMBER,
        "round number stated in a payload",
        of_flow=rounds_of,
        of_packet=round_of,
        columns=_columns("rounds"),
        settled=False,
    ),
    Field(
        "firewall",
        Kind.WORD,
        "NAT class stated in a payload",
        of_packet=firewall_of,
        columns=_columns("firewalls"),
        words=FIREWALLS,
        settled=False,
    ),
    Field(
        "error",
        Kind.WORD,
        "error stated in a payload or by a response; none where there is none",
        of_packet=error_of,
        columns=_columns("stated_errors"),
        words=ERRORS,
        settled=False,
    ),
    Field(
        "token",
        Kind.WORD,
        "of an attempt the state of either side's token, of a packet what happens to one with it",
        of_flow=tokens_of,
        of_packet=lambda p: tuple(str(state) for state in p.tokens),
        columns=_columns("tokens"),
        words=TOKENS,
        settled=False,
    ),
    Field(
        "punching",
        Kind.YES_NO,
        "its payload says that the sender punches",
        of_packet=lambda p: (p.said.punching,) if isinstance(p.said, HolepunchPayload) else (),
        columns=_columns("punching"),
        settled=False,
    ),
    Field(
        "time",
        Kind.TIME,
        "when it was seen",
        of_packet=lambda p: (When(p.time_ns, p.began_ns),),
        columns=_columns("times"),
        aliases=("frame.time_relative", "frame.time"),
    ),
    Field(
        "length",
        Kind.NUMBER,
        "bytes of the UDP payload when it was sent",
        of_packet=lambda p: (len(p.payload) if p.wire_length is None else p.wire_length,),
        columns=_columns("lengths"),
    ),
    Field(
        "ttl",
        Kind.NUMBER,
        "TTL or hop limit",
        of_packet=lambda p: one(p.ttl),
        columns=_columns("ttls"),
        aliases=("ip.ttl",),
    ),
    Field(
        "dir",
        Kind.WORD,
        "which way it passed where it was captured; passing: it came in, but was for another host",
        of_packet=lambda p: one(p.direction and str(p.direction)),
        columns=_columns("directions"),
        words=tuple(Direction),
        aliases=("frame.p2p_dir",),
    ),
    Field(
        "frame",
        Kind.NUMBER,
        "number in its file, from 1",
        of_packet=lambda p: one(p.frame),
        columns=_columns("frames"),
        aliases=("frame.number",),
    ),
    Field("file", Kind.TEXT, "name of the capture file", of_packet=lambda p: one(p.file), columns=_columns("files")),
    Field(
        "udx.id",
        Kind.NUMBER,
        "stream id of a UDX packet",
        of_packet=udx_id_of,
        columns=_columns("stream_ids"),
        aliases=("udx.remote_id",),
    ),
    Field(
        "cut",
        Kind.YES_NO,
        "the capture did not keep all of it",
        of_packet=lambda p: (p.wire_length is not None and p.wire_length > len(p.payload),),
        columns=_columns("cuts"),
    ),
    Field(
        "malformed",
        Kind.YES_NO,
        "begins as one of ours and was refused: it does not decode",
        of_packet=lambda p: (p.kind == "malformed",),
        columns=_columns("malformed"),
        aliases=("refused",),
    ),
    Field(
        "duplicate",
        Kind.YES_NO,
        "shows a datagram again that was seen elsewhere",
        of_packet=lambda p: (p.copy,),
        columns=_columns("duplicates"),
        settled=False,
    ),
    Field(
        "retransmission",
        Kind.YES_NO,
        "a relayed message sent again",
        of_packet=lambda p: (p.again,),
        columns=_columns("retransmissions"),
        settled=False,
    ),
    Field(
        "joined",
        Kind.YES_NO,
        "part of an attempt",
        of_packet=lambda p: (bool(p.flows),),
        columns=_columns("joined"),
        settled=False,
    ),
    Field(
        "payload",
        Kind.BYTES,
        "bytes of the UDP payload: text, or hex after 0x",
        of_packet=lambda p: (p.payload,),
        columns=_columns("payloads"),
    ),
    Field(
        "text",
        Kind.TEXT,
        "any word, address or key of it; a text that stands alone means this",
        of_flow=lambda f: tuple(flow_text(f)),
        of_packet=lambda p: tuple(text_of(p)),
        columns=_columns("texts"),
        settled=False,
    ),
)
"""Fields of packets, and of either, the most asked first."""
