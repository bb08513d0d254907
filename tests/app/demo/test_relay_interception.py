"""The relays of the demo's network with an interceptor each, worked as one."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from app.demo.embedded_network import EmbeddedNetwork
from app.demo.relay_interception import RelayInterception, RelayPackets
from app.intercept_status import InterceptError
from capture.tap import Tap
from capture.touches import touches_of
from protocol.dht.operations import look_up

SLICE = 0.02
"""Seconds between two looks."""
PATIENCE = 20.0


async def test_what_passes_any_relay_is_held_sent_on_and_marked_in_the_capture() -> None:
    tap = Tap("demo")
    packets = RelayPackets(tap)
    relays = RelayInterception(packets)
    with pytest.raises(InterceptError, match="no relay runs"):
        await relays.forward_all()
    async with (
        EmbeddedNetwork(seed=5, nodes=4, tap=packets.wire, interception=relays) as network,
        asyncio.timeout(PATIENCE),
    ):
        client = await network.node(network.places.public_host())
        await client.bootstrapped()
        await relays.intercept("kind == request and command == LOOKUP", on=True)
        asking = asyncio.create_task(client.run(look_up, bytes(32)))
        while (status := relays.status()) is None or len(status.held) < 2:
            await asyncio.sleep(SLICE)
        assert status.on
        numbers = [one.number for one in status.held]
        assert len(set(numbers)) == len(numbers)
        first, other = status.held[0], next(one for one in status.held if one.now.to != status.held[0].now.to)
        with pytest.raises(InterceptError, match="different relays"):
            await relays.move(first.number, other.number)
        await relays.drop(first.number)
        with pytest.raises(InterceptError, match="is not held any more"):
            await relays.forward(first.number)
        await relays.intercept("", on=False)
        await relays.forward_all()
        await asking
        tap.collect()
        status = relays.status()
        assert status is not None
        assert not status.held
        gone = {one.number: one.fate for one in status.touched}
        assert gone[first.number] == "dropped"
        assert gone[other.number] == "forwarded"
        fates: dict[str, set[int]] = {}
        for row in range(len(tap.table)):
            for touch in touches_of(tap.table, row):
                fates.setdefault(touch.fate, set()).add(row)
        (dropped,) = fates["dropped"]
        assert tap.table.payload(dropped) == first.was.data
        assert fates["forwarded"] <= fates["held"]
        await client.close()
    told = Counter(tap.table.payload(row) for row in range(len(tap.table)))
    answers = [count for payload, count in told.items() if payload[0] == 0x13]
    assert answers
    assert set(answers) == {1}, "what a relay sends is told by its shell alone"


async def test_rules_are_the_same_at_every_relay() -> None:
    packets = RelayPackets(Tap("demo"))
    relays = RelayInterception(packets)
    async with EmbeddedNetwork(seed=5, nodes=4, tap=packets.wire, interception=relays):
        assert {one.name for one in relays.presets} >= {"lost-reply", "flipped-firewall"}
        await relays.add_preset("lost-reply")
        status = relays.status()
        assert status is not None
        assert status.rules
        assert all(rule.on for rule in status.rules)
        await relays.use_rule(0, on=False)
        status = relays.status()
        assert status is not None
        assert not status.rules[0].on
        for _ in range(len(status.rules)):
            await relays.remove_rule(0)
        status = relays.status()
        assert status is not None
        assert not status.rules
