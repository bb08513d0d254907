"""What the reference does with what was said in a round.

Source: npm hyperdht 6.34.0 (lib/server.js, lib/connect.js, lib/holepuncher.js).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from app.draw.spans import Tone
from capture.model import Flow, Round, Sighting
from protocol.constants import ErrorCode, Firewall
from protocol.messages import HolepunchPayload

ASKING: Final = ("FROM_CLIENT", "FROM_RELAY", "FROM_SECOND_RELAY")
"""Modes of the legs that carry the client's half of a round."""


class Half(NamedTuple):
    """What one side said in a round."""

    number: int
    """Index of the round in `Flow.rounds`."""
    side: str
    """``client`` or ``server``."""
    payload: HolepunchPayload | None
    reason: str
    """Why there is none."""
    link: Sighting | None
    """The first datagram that carries it."""


def halves(flow: Flow, index: int) -> tuple[Half, Half]:
    """The client's half, then the server's."""
    one = flow.rounds[index]
    return (
        Half(index, "client", one.request, one.request_reason, _first(flow, index, asking=True)),
        Half(index, "server", one.reply, one.reply_reason, _first(flow, index, asking=False)),
    )


def _first(flow: Flow, index: int, *, asking: bool) -> Sighting | None:
    return next(
        (
            message.sighting
            for message in flow.messages
            if message.round == index and message.mode is not None and (message.mode in ASKING) == asking
        ),
        None,
    )


def is_stale(flow: Flow, index: int) -> bool:
    """Whether a round came after one with a higher number: the server then leaves what it knows of the client alone."""
    number = flow.rounds[index].round
    if number is None:
        return False
    return any(one.round is not None and one.round > number for one in flow.rounds[:index])


def meanings(flow: Flow, index: int) -> Iterator[tuple[str, Tone]]:
    """Sentences on what follows from a round, each with how alarming it is."""
    one = flow.rounds[index]
    if is_stale(flow, index):
        yield "Stale: the server answers, but keeps what the later round told it of the client.", Tone.WARN
    if one.request is not None:
        yield from _of_request(one.request)
    if one.reply is not None:
        yield from _of_reply(flow, one, one.reply)
    elif one.answered is None:
        yield (
            "No answer: the client sends the same request again after a second, four times in all, and then gives up.",
            Tone.BAD,
        )


def _of_request(request: HolepunchPayload) -> Iterator[tuple[str, Tone]]:
    if request.error:
        yield "The client calls it off: the server drops its puncher and confirms with ABORTED.", Tone.BAD
        return
    if request.remote_address is not None:
        yield (
            "The client has opened its NAT towards the server: a server with a consistent NAT that is seen at that "
            "address punches back once, at once (fast open).",
            Tone.DIM,
        )
    if request.punching:
        yield (
            "The client is ready to punch: the server asks its holepunch function, checks its limit if a NAT is "
            "random, and starts to punch before it answers.",
            Tone.DIM,
        )


def _of_reply(flow: Flow, one: Round, reply: HolepunchPayload) -> Iterator[tuple[str, Tone]]:
    request = one.request
    if reply.error == ErrorCode.TRY_LATER:
        yield (
            "TRY_LATER: the server is at its limit of random punches. A client with a blind relay waits 10 to 20 s and "
            "asks again; without one it gives up.",
            Tone.BAD,
        )
        return
    if reply.error:
        if request is None or not request.error:
            yield "The server calls it off: the client gives up with an error of its own.", Tone.BAD
        return
    if request is not None and reply.round != request.round:
        yield f"The server answers with round {reply.round}: the highest number it has seen.", Tone.WARN
    if request is not None and request.punching:
        yield from _agreed(flow, reply)
        return
    if reply.firewall == Firewall.UNKNOWN:
        yield "The server does not know its NAT yet: the client waits a second and probes once more.", Tone.WARN
    elif reply.token is None:
        yield (
            "No token: the server does not count this relay as its own. The client probes once more, then goes on "
            "unverified.",
            Tone.WARN,
        )
    if request is not None and reply.firewall == request.firewall == Firewall.RANDOM:
        yield "Both NATs are random: the client calls it off.", Tone.BAD


def _agreed(flow: Flow, reply: HolepunchPayload) -> Iterator[tuple[str, Tone]]:
    """What follows when both said what they needed to punch."""
    if not reply.punching:
        yield "The server does not punch: the client gives up (REMOTE_NOT_HOLEPUNCHING).", Tone.BAD
        return
    classes = (flow.client_firewall, flow.server_firewall)
    if Firewall.RANDOM not in classes:
        yield "Both punch: once a second, ten times; an address that no token proved only every fourth time.", Tone.DIM
    elif classes[0] == Firewall.RANDOM:
        yield (
            "Both punch: the client from 256 sockets to the server's one port, the server to random ports of the "
            "client's host every 20 ms, up to 1750 times.",
            Tone.DIM,
        )
    else:
        yield (
            "Both punch: the server from 256 sockets to the client's one port, the client to random ports of the "
            "server's host every 20 ms, up to 1750 times.",
            Tone.DIM,
        )
