"""From the machines of a running peer to the values of `app.node_status`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.node_connections import ConnectionBook
from app.node_status import Announcement, NodeStatus, Relay, TableRow, Timer
from app.wording import counted
from protocol.constants import Command, InternalCommand
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.flight_table import InFlight
from protocol.dht.health import Health
from protocol.dht.membership import TICK
from protocol.dht.node import Node
from protocol.dht.routing_table import BITS, distance
from protocol.messages import Address
from protocol.nat import classify
from protocol.peer.connecting import PASSIVE_WAIT
from protocol.peer.connection import Connection
from protocol.peer.events import Stage
from protocol.peer.listening import Server
from protocol.peer.peer import Peer
from protocol.peer.refusals import all_refusals
from protocol.punch.announcer import Phase


class Sockets(NamedTuple):
    """What only the shell knows."""

    server: Address
    client: Address
    open: int
    errors: int
    """Datagrams that the system did not send, and sockets that it did not give."""


_ROUNDS = {Stage.PROBING: "next step of the first round", Stage.PUNCHING: "next punch or end of the last round"}


def status_of(
    peer: Peer,
    book: ConnectionBook,
    sockets: Sockets,
    bootstrap: Sequence[BootstrapNode],
    age: float,
    now: float,
    events: Sequence[tuple[float, str]] = (),
) -> NodeStatus:
    """Everything that is shown of a peer.

    Args:
        peer: the machine.
        book: its connections.
        sockets: of its shell.
        bootstrap: where it was told to begin.
        age: seconds since its start.
        now: its time.
        events: what happened, with the time of each, the newest last.
    """
    node, due, rows = peer.node, peer.next_timeout(), rows_of(peer.node)
    reachability, seen = node.reachability, node.reachability.nat
    samples = [(row.sees_us, row.address) for row in rows if row.sees_us is not None]
    nat = classify(samples, firewalled=reachability.firewalled)
    return NodeStatus(
        server=sockets.server,
        client=sockets.client,
        id=node.id,
        seen_at=None if seen.host is None else (seen.host, seen.port),
        samples=seen.size,
        firewall=nat.firewall,
        firewall_rule=nat.rule,
        firewalled=reachability.firewalled,
        ephemeral=reachability.ephemeral,
        bootstrapped=node.bootstrapped,
        health=node.health,
        age=age,
        bootstrap=tuple(f"{one.host}:{one.port}" for one in bootstrap),
        rows=rows,
        timers=timers_of_peer(peer, book.since, now),
        next_timeout=None if due is None else due - now,
        announcements=tuple(announcement_of(server, now) for server in peer.servers),
        connections=book.status(now),
        refused=refusals_of(peer),
        counts=counts_of(peer, sockets.errors, sockets.open),
        trouble=trouble_of(node, bootstrap),
        local=peer.local_addresses,
        events=tuple((now - at, said) for at, said in reversed(events)),
    )


def trouble_of(node: Node, bootstrap: Sequence[BootstrapNode]) -> str:
    """One sentence on what keeps a node from working; empty where nothing does."""
    if node.bootstrapped and not len(node.membership) and not node.requests.counts.responses:
        names = ", ".join(f"{one.host}:{one.port}" for one in bootstrap)
        return (
            f"Nobody answered: {counted(len(bootstrap), 'bootstrap node')} asked ({names}). "
            "Is the network up, and do they run?"
        )
    if node.health is Health.OFFLINE:
        return "Nobody answers any more: this machine is offline, or the network is gone."
    return ""


def timers_of_peer(peer: Peer, since: dict[Connection, float], now: float) -> tuple[Timer, ...]:
    """A countdown for everything that is waited for, the nearest first.

    Args:
        peer: the machine.
        since: when each connection came to its present stage.
        now: seconds.
    """
    found = [_of_request(flight, now) for flight in peer.node.requests.flights]
    agenda = peer.agenda.next_timeout()
    for connection in peer.connections:
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
    state = str(announcer.phase)
    if announcer.phase in (Phase.PINGING, Phase.RESTING):
        state = "announced" if announcer.relays else "not announced: no node took it"
    elif announcer.relays:
        state = f"announced; {state}"
    return Announcement(
        server.public_key,
        state,
        tuple(Relay(relay.relay_address, relay.peer_address) for relay in announcer.relays),
        None if due is None else due - now,
        server.handshakes,
    )


def refusals_of(peer: Peer) -> tuple[tuple[str, int], ...]:
    """What was refused by the node, its servers and blind relays, of streams and of punches; most frequent first."""
    return tuple(all_refusals(peer).most_common())


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
        ("hosts that were asked to prove their address", node.requests.replies.proofs.asked),
        ("hosts that did", node.requests.replies.proofs.proved),
        ("answers that wait for such a proof", len(node.requests.replies.proofs)),
        ("datagrams that the system did not send", errors),
        *(row for host in peer.hosts for row in host.counts.items()),
    )
