"""A script's client by hand, and a real server."""

from __future__ import annotations

import pytest

from app.script import Act, Hand
from protocol.keys import key_pair
from tests.interop.dht_driver import LOOPBACK
from tests.interop.peer_driver import FIREWALLED, a_dht

pytestmark = [pytest.mark.node, pytest.mark.timed]

SEED = b"q" * 32


async def test_a_real_server_hears_what_the_script_says() -> None:
    async with a_dht("ours") as (port, real), Hand(seed=3) as hand:
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        await real("listen", name="s", seed=SEED.hex(), options={"shareLocalAddress": False})
        network = await hand.join(f"{LOOPBACK}:{port}", host=LOOPBACK)
        client = await network.client(by_hand=(Act.PROBE, Act.PUNCH))
        attempt = client.connect(key_pair(SEED).public_key, fast_open=False)
        probe = await client.next(Act.PROBE)
        probe.edit(error="TRY_LATER").send()
        ending = await attempt.failed()
        assert (ending.cause, ending.detail) == ("the peer aborted", "error 1 in round 0")

        again = client.connect(key_pair(SEED).public_key, fast_open=False)
        (await client.next(Act.PROBE)).send()
        punch = await client.next(Act.PUNCH)
        assert len(punch.fields["remote_token"]) == 64
        punch.send()
        assert await again.echo(b"through a real server") == b"through a real server"
        await again.end()
        flow = await hand.verdict(again, "punched")
        assert str(flow.server_token) == "verified"
