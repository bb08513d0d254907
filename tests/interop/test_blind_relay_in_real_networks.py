"""A node of ours as the blind relay that real hyperdht peers name in `relayThrough`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from app.demo.relay_peer import RelayPeer
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.events import Event
from protocol.dht.options import NodeOptions
from protocol.keys import key_pair
from protocol.peer.events import ConnectionAccepted, ServerListening
from protocol.peer.options import ListenOptions, PeerOptions
from protocol.udp_shell import UdpShell
from tests.interop.dht_driver import LOOPBACK, PATIENCE, our_network, server_port
from tests.interop.peer_driver import FIREWALLED, real_peers

pytestmark = [pytest.mark.node, pytest.mark.timed]

SEED, RELAY_SEED = b"s" * 32, b"r" * 32
PAIR, RELAY = key_pair(SEED), key_pair(RELAY_SEED)
MIB = 1 << 20
NO_OTHER_WAY = {"localConnection": False, "fastOpen": False}


@asynccontextmanager
async def our_relay(bootstrap: int) -> AsyncIterator[UdpShell[RelayPeer]]:
    """Bootstrapped, announced, and open to whoever connects."""
    listening = asyncio.Event()

    def heard(event: Event) -> None:
        if isinstance(event, ServerListening):
            listening.set()
        elif isinstance(event, ConnectionAccepted):
            connection = event.connection
            shell.act(lambda peer, now: peer.serve(connection))

    options = PeerOptions(node=NodeOptions(bootstrap=(BootstrapNode(LOOPBACK, bootstrap),), quick_firewall=False))
    shell = await UdpShell.run_machine(
        lambda random, now, epoch: RelayPeer(options, random, now),
        host=LOOPBACK,
        port=0,
        random=Random(7),
        on_event=heard,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await shell.bootstrapped()
            shell.act(lambda peer, now: peer.listen(RELAY, now, ListenOptions()))
            await listening.wait()
        yield shell
    finally:
        await shell.close()


@pytest.mark.parametrize("asker", ["client", "server"])
async def test_real_peers_talk_through_our_relay(asker: str) -> None:
    async with our_network(10) as network, real_peers() as real:
        port = server_port(network[0])
        async with our_relay(port) as shell:
            relay = RELAY.public_key.hex()
            for name in ("s", "c"):
                await real("node", name=name, bootstrap=[port], options=FIREWALLED)
            options = {"shareLocalAddress": False}
            through = relay if asker == "server" else None
            await real("listen", name="s", seed=SEED.hex(), punch=False, relayThrough=through, options=options)
            ways = NO_OTHER_WAY | ({"relayThrough": relay} if asker == "client" else {})
            answer = await real("connect", name="c", key=PAIR.public_key.hex(), size=MIB, options=ways)
            assert answer == {"intact": True, "ended": True, "error": None}
            counters = shell.machine.relay.counters
            assert (counters.sessions_accepted, counters.pairings_matched) == (2, 1)
            assert counters.bytes_relayed > 2 * MIB
            assert counters.pairings_refused == counters.pairings_expired == 0
