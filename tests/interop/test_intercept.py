"""Two real peers meet over relays of ours that put a hand in: what was edited and sealed again is accepted by them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from app.hand.preset_files import preset
from app.hand.rules import Rule
from app.hand.rules_reading import parse_rules
from protocol.intercept.values import Fate
from protocol.keys import key_pair
from tests.interop.dht_driver import Driver
from tests.interop.intercepting_relays import Relays, ruled_network
from tests.interop.peer_driver import FIREWALLED, real_peers

pytestmark = [pytest.mark.node, pytest.mark.timed]

SEED = b"i" * 32
KEY = key_pair(SEED).public_key
INTACT = {"intact": True, "ended": True, "error": None}


def rules(text: str) -> Sequence[Rule]:
    return parse_rules(text, "here").rules


async def listening(real: Driver, relays: Relays) -> None:
    await real("node", name="s", bootstrap=[relays.port], options=FIREWALLED)
    await real("listen", name="s", seed=SEED.hex(), options={"shareLocalAddress": False})
    await real("node", name="c", bootstrap=[relays.port], options=FIREWALLED)


async def connecting(real: Driver, **options: object) -> dict[str, object]:
    given = {"localConnection": False, "fastOpen": False, **options}
    answer: dict[str, object] = await real("connect", name="c", key=KEY.hex(), size=1000, options=given)
    return answer


async def test_what_passes_untouched_connects() -> None:
    async with ruled_network() as relays, real_peers() as real:
        await listening(real, relays)
        assert await connecting(real) == INTACT
        assert relays.touches() == []


async def test_real_peers_accept_payloads_that_were_sealed_again() -> None:
    both = rules(
        """
        [[rule]]
        name = "round"
        match = "command == PEER_HOLEPUNCH and (mode == FROM_RELAY or mode == REPLY) and error == none"
        direction = "sent"
        do = "edit"
        set = { connected = true }
        """
    )
    async with ruled_network(both) as relays, real_peers() as real:
        await listening(real, relays)
        assert await connecting(real) == INTACT
        assert relays.count(Fate.UNEDITED) == 0
        touches = relays.touches()
        assert relays.count(Fate.EDITED) == len(touches) >= 4, "two rounds, there and back"
        assert all(one.rule == "round" and one.original != payload for one, payload in touches)


@pytest.mark.parametrize("mode", ["FROM_RELAY", "REPLY"])
async def test_an_abort_that_a_relay_wrote_is_believed(mode: str) -> None:
    one = rules(
        f"""
        [[rule]]
        match = "command == PEER_HOLEPUNCH and mode == {mode}"
        direction = "sent"
        do = "edit"
        set = {{ error = "ABORTED" }}
        """
    )
    async with ruled_network(one) as relays, real_peers() as real:
        await listening(real, relays)
        answer = await connecting(real)
        assert answer["error"] in ("REMOTE_ABORTED", "HOLEPUNCH_ABORTED"), "not HOLEPUNCH_INVALID: it was opened"
        assert relays.count(Fate.EDITED) >= 1


async def test_a_payload_whose_seal_is_broken_is_not() -> None:
    broken = rules(
        """
        [[rule]]
        match = "command == PEER_HOLEPUNCH and mode == REPLY"
        direction = "sent"
        do = "edit"
        set = { payload = "random" }
        """
    )
    async with ruled_network(broken) as relays, real_peers() as real:
        await listening(real, relays)
        answer = await connecting(real)
        assert answer["intact"] is False
        assert answer["error"] in ("HOLEPUNCH_INVALID", "HOLEPUNCH_ABORTED")


async def test_a_held_round_holds_nobody_else_up() -> None:
    expression = "command == PEER_HOLEPUNCH and mode == FROM_CLIENT and not retransmission"
    async with ruled_network(expression=expression) as relays, real_peers() as real:
        await listening(real, relays)
        changed = asyncio.Event()
        for node in relays.nodes:
            node.interception.on_changed.append(changed.set)
        task = asyncio.create_task(connecting(real))
        task.add_done_callback(lambda _: changed.set())
        forwarded = 0
        while not task.done():
            await changed.wait()
            changed.clear()
            for node in relays.nodes:
                status = node.interception.status()
                assert status is not None
                for held in status.held:
                    names = [one.what for one in held.countdowns]
                    assert "the client sends it again" in names
                    assert "the server gives up waiting for a punch round" in names
                    await real("node", name=f"n{held.number}", bootstrap=[relays.port], options=FIREWALLED)
                    await node.interception.forward(held.number)
                    forwarded += 1
        assert await task == INTACT
        assert forwarded >= 2


@pytest.mark.parametrize("name", ["lost-reply", "dead-relay", "stale-address"])
async def test_presets_without_fast_open_make_real_peers_fail(name: str) -> None:
    async with ruled_network(preset(name).rules) as relays, real_peers() as real:
        await listening(real, relays)
        answer = await connecting(real)
        assert answer["intact"] is False
        assert answer["error"] is not None
        assert relays.touches()


@pytest.mark.parametrize("name", ["stripped-token", "reordered-rounds"])
async def test_presets_that_consistent_peers_recover_from(name: str) -> None:
    async with ruled_network(preset(name).rules) as relays, real_peers() as real:
        await listening(real, relays)
        assert await connecting(real) == INTACT
        assert relays.touches()
