"""The law of a whole peer among strangers.

Law: whatever arrives, in whatever name, at whatever time, on whatever socket,
- nothing is raised, nothing goes on for ever, and no datagram is empty or larger than 1500 bytes;
- handshakes, streams, sockets, forwards, stored records and values, delayed pings, answers that wait and the routing
  table stay within their limits;
- a host that never read what was sent to it is sent no more than was sent in its name, but for what the table in
  docs/node.md lists: 11 bytes that ask for a proof, single punches, and the first packets of a stream, which are paid
  for by the handshake that named it;
- closing ends it: no timer, no socket, one final event for every connection.
"""

from __future__ import annotations

from protocol.dht.proofs import HELD_IN_ALL, PORTS, REPEAT_AFTER
from protocol.peer.refusals import all_refusals
from protocol.punch.budget import STRANGER_BURST, STRANGER_RATE
from protocol.punch.probing import BIRTHDAY_SOCKETS
from tests.fuzz.peer_cast import SMALL_NODE, SMALL_PEER, VICTIMS, Stage
from tests.fuzz.peer_script import play

BEGAN = 1000.0
MOST_CONNECTS = 3
OWN_DIALS = MOST_CONNECTS * 2 + SMALL_PEER.relay_dials + SMALL_PEER.handshakes
"""Connections of our own: of the user and their relays, and to relays that clients chose."""
PER_DIAL = 19_000
"""Bytes that a connection of our own may send to an address that its server or relay named: what the pacer lets out of
the first window, and seven repetitions of its first packet and its last, while nobody acknowledges anything."""
PER_RELAY = 2500
"""The same of a connection to a blind relay that a client chose: it has little to say before the relay answers."""


def check(data: bytes) -> None:
    """Hold one input to the law."""
    stage = play(data, check_bounds)
    check_accounts(stage)
    assert all(count > 0 for count in all_refusals(stage.peer).values())
    stage.advance(1.0)
    check_end(stage)


def check_bounds(stage: Stage) -> None:
    """Nothing has grown beyond its limit."""
    peer, node = stage.peer, stage.peer.node
    servers = len(peer.servers)
    assert all(server.handshakes <= SMALL_PEER.handshakes for server in peer.servers)
    attempts = SMALL_PEER.handshakes * max(1, servers) + OWN_DIALS
    assert len(peer.pool) <= attempts * 4 + BIRTHDAY_SOCKETS
    assert len(peer.connections) <= attempts * 8
    assert node.router.forwards <= SMALL_NODE.forwards
    assert len(node.routes) <= SMALL_NODE.routes
    assert len(node.announcements) <= SMALL_NODE.records
    assert len(node.values) <= 2 * SMALL_NODE.values
    assert node._internal.delayed <= SMALL_NODE.delayed_pings
    assert node.requests.replies.proofs.pending <= HELD_IN_ALL
    assert len(node.requests.replies.proofs) <= HELD_IN_ALL
    assert len(node.membership) <= 256 * 20
    assert node.requests.in_flight <= 500
    assert peer.punches.running in (0, 1)
    for host in peer.relay_hosts:
        assert len(host.relay.sessions) <= len(peer.connections)


def check_accounts(stage: Stage) -> None:
    """No victim was sent more than the law allows."""
    elapsed = stage.now - BEGAN
    own = PER_DIAL * stage.connects + PER_RELAY * stage.peer.relay_counts.attempts
    for victim in VICTIMS:
        account = stage.account(victim.host)
        paid = account.received + account.named
        assert account.replies <= account.received + account.named, (victim, account)
        assert account.proofs <= PORTS * (1 + elapsed / REPEAT_AFTER), (victim, account)
        assert account.proofs <= account.rounds + account.received, (victim, account)
        assert account.streams <= paid + own, (victim, account)
        assert account.relayed <= paid + own, (victim, account)
        assert account.punches <= STRANGER_BURST + STRANGER_RATE * elapsed + account.received + account.rounds


def check_end(stage: Stage) -> None:
    """Nothing is left."""
    stage.peer.close(stage.now)
    stage.drain()
    assert stage.peer.next_timeout() is None
    assert len(stage.peer.pool) == 0
    assert len(stage.peer.connections) == 0
    assert all(connection.closing is not None for connection in stage.connections)
    assert all(count <= 1 for count in stage.released.values())
