"""The message view of a datagram, with what it answers, what answers it, and the way it was relayed."""

from __future__ import annotations

from typing import Final

from app.draw.difference import Hop
from app.draw.message import Fact, MessageView, message_at, message_view
from app.draw.message_links import Neighbour, Ties, tie_facts
from app.draw.packets import DIRECTION_SAYS
from app.draw.spans import Tone
from app.terminal_text import safe_text
from app.touched_packets import TouchedPackets
from app.tui.packet_facts import PacketReader
from app.tui.session import Session
from capture.direction import direction_of
from capture.model import Flow, FlowMessage, Sighting, Step
from protocol.constants import Mode

_STAGES: Final = {
    mode.name: stage
    for stage, mode in enumerate(
        (Mode.FROM_CLIENT, Mode.FROM_RELAY, Mode.FROM_SECOND_RELAY, Mode.FROM_SERVER, Mode.REPLY)
    )
}
"""Legs in the order in which a request and its answer take them."""


def view_of(
    session: Session, reader: PacketReader, sighting: Sighting, flow: Flow | None = None, step: Step | None = None
) -> MessageView:
    """Take apart a datagram.

    Args:
        session: where it is.
        reader: reads what is around it.
        sighting: which one.
        flow: the attempt that it is part of.
        step: the step of the ladder that shows it.

    Raises:
        CaptureError: its bytes can't be read any more.
    """
    # A live table grows in another thread.
    with session.held():
        file = session.files[sighting.file].path.rpartition("/")[2] if len(session.files) > 1 else ""
        in_table = sighting.row < len(session.table)
        return message_view(
            session.payload(sighting),
            sighting,
            session.endpoints(sighting),
            session.ttl(sighting),
            flow=flow,
            step=step,
            request=reader.request_of(sighting.row) if in_table else None,
            file=file,
            wire_length=session.wire_length(sighting),
            links=(
                *_done(session, sighting, flow),
                *_passed(session, sighting),
                *(_links(reader, sighting, flow) if in_table else ()),
            ),
        )


def _done(session: Session, sighting: Sighting, flow: Flow | None) -> tuple[Fact, ...]:
    """What a node of ours did to the datagram."""
    if flow is None:
        return ()
    rows = TouchedPackets(lambda: session.story).rows(flow, sighting)
    return tuple(Fact("done", row.texts[0], tone=Tone.WARN) for row in rows)


def _passed(session: Session, sighting: Sighting) -> tuple[Fact, ...]:
    """Which way the datagram passed, and where, if that was captured."""
    table = session.table
    way = direction_of(table.direction.item(sighting.row)) if sighting.row < len(table) else None
    if way is None:
        return ()
    interface = table.files[sighting.file].interfaces[table.interface.item(sighting.row)].name
    text = DIRECTION_SAYS[way] + (f" · {safe_text(interface)}" if interface else "")
    return (Fact("dir", text),)


def counterpart(session: Session, reader: PacketReader, sighting: Sighting, flow: Flow | None) -> Sighting | None:
    """The datagram to go to from one: the answer to a request, what an answer answers, or where it was relayed to."""
    if sighting.row >= len(session.table):
        return None
    ties = ties_of(reader, sighting, flow)
    for neighbour in (ties.answer, ties.asked, ties.onward, ties.inward):
        if neighbour is not None:
            return neighbour.sighting
    return None


def ties_of(reader: PacketReader, sighting: Sighting, flow: Flow | None) -> Ties:
    """What a datagram is tied to."""
    with reader.held():
        exchanged = reader.exchanges.of(sighting.row)
        mine = reader.primary(sighting.row)
        now = reader.time(sighting.row)

        def neighbour(row: int, mode: str = "", *, turns: bool = False) -> Neighbour:
            return Neighbour(reader.sighting(row), reader.time(row) - now, mode, turns)

        is_request = mine in exchanged.requests
        answer = next((row for row in exchanged.responses if row > mine), None) if is_request else None
        if answer is None and is_request and exchanged.responses:
            answer = exchanged.responses[0]
        before = [row for row in exchanged.requests if row < mine]
        asked = None if is_request or not exchanged.requests else before[-1] if before else exchanged.requests[0]
        inward = onward = None
        message = None if flow is None else message_at(flow, sighting)
        if flow is not None and message is not None and message.mode is not None:
            legs = legs_of(flow, message)
            came, went = came_in_as(message, legs), went_on_as(message, legs)
            if came is not None:
                inward = neighbour(came.sighting.row, came.mode or "", turns=_side(came) != _side(message))
            if went is not None:
                onward = neighbour(went.sighting.row, went.mode or "", turns=_side(went) != _side(message))
        sends = tuple(neighbour(row) for row in exchanged.requests if row != mine) if is_request else ()
        # A message of an attempt says itself where else it was seen.
        first = None if mine == sighting.row or message is not None else neighbour(mine)
        return Ties(
            is_request,
            bool(exchanged.requests or exchanged.responses),
            None if answer is None else neighbour(answer),
            None if asked is None else neighbour(asked),
            inward,
            onward,
            sends,
            first,
        )


def hops_of(session: Session, reader: PacketReader, sighting: Sighting, flow: Flow | None) -> list[Hop]:
    """Every leg of the relayed message that a datagram is of, each in all its sightings; or those of the datagram.

    Raises:
        CaptureError: their bytes can't be read any more.
    """
    if sighting.row >= len(session.table):
        return []
    rows: list[tuple[int, FlowMessage | None]]
    message = None if flow is None else message_at(flow, sighting)
    if flow is not None and message is not None and message.mode is not None:
        rows = [(one.sighting.row, one) for one in way_of(flow, message)]
    else:
        rows = [(reader.primary(sighting.row), None)]
    hops: list[Hop] = []
    side = ""
    for primary, leg in rows:
        for row in reader.sightings(primary):
            title = "seen" if leg is None else f"{leg.mode}  {leg.from_role} → {leg.to_role}"
            if leg is not None and leg.retransmission:
                title += ", sent again"
            if row != primary:
                title = "seen again" if leg is None else f"{title}, seen again"
            turned = leg is not None and bool(side) and _side(leg) != side
            side = side if leg is None else _side(leg)
            one = reader.sighting(row)
            hops.append(Hop(view_of(session, reader, one, flow), one, title, turned))
    return hops


def legs_of(flow: Flow, message: FlowMessage) -> list[FlowMessage]:
    """All legs of the exchange that a relayed message is one of, in row order."""
    same = message.command, message.tid, message.round
    return [one for one in flow.messages if (one.command, one.tid, one.round) == same and one.mode is not None]


def way_of(flow: Flow, message: FlowMessage) -> list[FlowMessage]:
    """The legs that lead to a relayed message and on from it, one after the other."""
    legs = legs_of(flow, message)
    way = [message]
    while (before := came_in_as(way[0], legs)) is not None:
        way.insert(0, before)
    while (after := went_on_as(way[-1], legs)) is not None:
        way.append(after)
    return way


def came_in_as(message: FlowMessage, legs: list[FlowMessage]) -> FlowMessage | None:
    """The leg that brought the content of a message to the node that sent it."""
    row, stage = message.sighting.row, _STAGES.get(message.mode or "", -1)
    found = (one for one in reversed(legs) if one.sighting.row < row and one.to_lane == message.from_lane)
    return next((one for one in found if _STAGES.get(one.mode or "", -1) < stage), None)


def went_on_as(message: FlowMessage, legs: list[FlowMessage]) -> FlowMessage | None:
    """The leg as which the node that got a message passed its content on, or answered."""
    row, stage = message.sighting.row, _STAGES.get(message.mode or "", -1)
    found = (one for one in legs if one.sighting.row > row and one.from_lane == message.to_lane)
    return next((one for one in found if _STAGES.get(one.mode or "", -1) > stage), None)


def _side(leg: FlowMessage) -> str:
    return "server" if leg.mode in ("FROM_SERVER", "REPLY") else "client"


def _links(reader: PacketReader, sighting: Sighting, flow: Flow | None) -> tuple[Fact, ...]:
    return tie_facts(ties_of(reader, sighting, flow))
