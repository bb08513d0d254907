"""From the machines of a running peer to the values of `app.node_status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from app.node_status import Announcement, Relay, TableRow, Timer
from protocol.constants import Command, InternalCommand
from protocol.dht.flight_table import InFlight
from protocol.dht.membership import TICK
from protocol.dht.node import Node
from protocol.dht.routing_table import BITS, distance
from protocol.peer.connecting import PASSIVE_WAIT
from protocol.peer.connection import Connection
from protocol.peer.events import Stage
from protocol.peer.listening import Server
from protocol.peer.peer import Peer
from protocol.punch.announcer import Phase

_ROUNDS = {Stage.PROBING: "next step of the first round", Stage.PUNCHING: "next punch or end of the last round"}


def timers_of_peer(peer: Peer, since: dict[Connection, float], now: float) -> tuple[Timer, ...]:
    """A countdown for everything that is waited for, the nearest first.

    Args:
        peer: the machine.
        since: when each connection came to its present stage.
        now: seconds.
    """
    found = [_of_request(flight, now) for flight in peer.node.requests.flights]
    agenda = peer.agenda.next_timeout()
    for connection in peer.connections.values():
        began = since.get(connection, now)
        attempt = connection.attempt or None
        if connection.stage is Stage.WAITING:
            due = max(0.0, began + PASSIVE_WAIT - now)
            found.append(Timer(due, "the wait for the peer's first packet ends", attempt=attempt))
        elif connection.stage in _ROUNDS and agenda is not None:
            found.append(Timer(max(0.0, agenda - now), _ROUNDS[connection.stage], attempt=attempt))
        elif connection.has_path and not connection.opened and connection.next_timeout() is not None:
            due = max(0.0, (connection.next_timeout() or now) - now)
            found.append(Timer(due, "the stream sends again", connection.remote, attempt=attempt))
    return tuple(sorted(found, key=lambda timer: timer.due))


def _of_request(flight: InFlight, now: float) -> Timer:
    ask = flight.ask
    kind = InternalCommand if ask.internal else Command
    try:
        name = kind(ask.command).name
    except ValueError:
        name = f"COMMAND({ask.command})"
    sends = flight.retries + 1
    if flight.sent == 0:
        what = f"{name} waits for room in the congestion window"
    elif flight.sent < sends:
        what = f"{name} is sent again ({flight.sent + 1} of {sends})"
    else:
        what = f"{name} is given up ({'sent once' if sends == 1 else f'sent {sends} times'})"
    due = -1.0 if flight.deadline is None else max(0.0, flight.deadline - now)
    return Timer(due, what, flight.to.address, flight.tid)


def rows_of(node: Node) -> tuple[TableRow, ...]:
    """The routing table, nearest nodes last, as its rows are numbered."""
    table, tick = node.membership.table, node.membership.tick
    found = [
        TableRow(
            one.id,
            one.address,
            one.to,
            min(BITS - distance(one.id, table.id).bit_length(), BITS - 1),
            (tick - one.added) * TICK,
            (tick - one.seen) * TICK,
            one.down_hints,
        )
        for one in table
    ]
    return tuple(sorted(found, key=lambda row: (row.row, row.id)))


def announcement_of(server: Server, now: float) -> Announcement:
    """How far a server is known."""
    announcer = server.announcer
    due = announcer.next_timeout()
    state = f"announced; {announcer.phase}" if announcer.relays else str(announcer.phase)
    if announcer.phase is Phase.RESTING:
        state = "announced" if announcer.relays else "not announced: no node took it"
    return Announcement(
        server.public_key,
        state,
        tuple(Relay(relay.relay_address, relay.peer_address) for relay in announcer.relays),
        None if due is None else due - now,
        server.handshakes,
    )


def refusals_of(peer: Peer) -> tuple[tuple[str, int], ...]:
    """What was refused by the node, by its servers, and of streams; most frequent first."""
    total: Counter[str] = Counter()
    counted: tuple[Mapping[Any, int], ...] = (peer.node.refused, peer.refused)
    for counts in (*counted, *(server.refused for server in peer.servers)):
        for reason, count in counts.items():
            total[str(reason)] += count
    return tuple(total.most_common())


def counts_of(peer: Peer, errors: int, sockets: int) -> tuple[tuple[str, int], ...]:
    """What was done, by name."""
    node, counts = peer.node, peer.node.requests.counts
    return (
        ("requests sent", counts.total),
        ("answered", counts.responses),
        ("sent again", counts.retries),
        ("given up", counts.timeouts),
        ("waiting for an answer", node.requests.in_flight),
        ("searches under way", node.searches.active),
        ("peers that others announced here", len(node.announcements)),
        ("peers reached through this node", len(node.routes)),
        ("connections", len(peer.connections)),
        ("sockets open", sockets),
        ("datagrams that the system did not send", errors),
    )
