"""The law of peers whose datagrams somebody tampers with.

Law: whatever happens to the datagrams of an attempt, in any stage and role,
- nothing is raised by any of the machines;
- every connection has exactly one final event, at the latest when its peer closes;
- an echo that arrives is what was sent, or the beginning of it;
- afterwards no stream, no handshake, no socket and no punch is left.
"""

from __future__ import annotations

from protocol.peer.events import Stage
from tests.fuzz.flow_script import Script
from tests.fuzz.tampered_world import World

SAID = b"something to be echoed" * 60


def check(data: bytes) -> None:
    """Hold one input to the law: its first byte says who takes part."""
    script = Script(data)
    about = script.byte()
    world = World(about % 9, relay=about >= 128)
    heard = world.play(script)
    assert SAID.startswith(bytes(heard.data)) or bytes(heard.data) == SAID
    check_end(world)


def check_end(world: World) -> None:
    """Close what is open, wait, and see that nothing is left."""
    world.network.script = None
    for peer in world.peers:
        for connection in tuple(peer.peer.connections):
            peer.act(lambda _peer, now, connection=connection: connection.destroy(now))  # type: ignore[misc]
    world.network.run(60)
    for peer in world.peers:
        machine = peer.peer
        assert len(machine.connections) == 0
        assert len(machine.pool) == 0
        assert peer.sockets == 2
        assert machine.punches.running == 0
        assert all(server.handshakes == 0 for server in machine.servers)
        for connection, heard in peer.heard.items():
            assert connection.closing is not None
            assert sum(stage.stage is Stage.CLOSED for stage in heard.stages) == 1
        peer.close()
