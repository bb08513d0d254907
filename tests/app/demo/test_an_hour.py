"""An hour of the demo leaves nothing behind: no socket, no task, no object, and no memory that goes on growing."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from functools import _lru_cache_wrapper
from typing import Final

import pytest

from app.demo.actor import Actor
from app.demo.director import Attempt, Director
from app.demo.embedded_network import EmbeddedNetwork
from app.demo.fast_clock import FastLoop
from app.demo.nat_host import NattedLan
from app.demo.stage import Stage
from protocol.peer.connection import Connection
from protocol.peer.peer import Peer
from protocol.punch.puncher import Puncher
from protocol.stream.udx import UdxStream

SPEED: Final = 20.0
HALF_HOUR: Final = 1800.0
REST: Final = 60.0
"""Seconds in which what lingers after a scene runs out; records of the DHT live for 20 minutes."""
MORE: Final = 1.15
"""How much more there may be after the second half hour than after the first."""


@pytest.mark.timed
def test_the_second_half_hour_adds_nothing_to_the_first() -> None:
    attempts: list[Attempt] = []

    async def play(network: EmbeddedNetwork, seed: int) -> Counter[type]:
        director = Director(network, seed=seed, on_attempt=attempts.append, on_key=lambda _: None)
        playing = asyncio.create_task(director.run())
        done, _ = await asyncio.wait((playing,), timeout=HALF_HOUR)
        assert not done, playing.exception()
        director.finish()
        await playing
        await asyncio.sleep(REST)
        assert network.loopback.sockets == 2 * len(network.nodes)
        assert (network.loopback.on_the_way <= len(network.nodes), network.places.lans) == (True, [])
        assert len(asyncio.all_tasks()) == 1
        attempts.clear()
        gc.collect()
        # Bounded, and shared by everything in the process: filling them up is no leak.
        for one in gc.get_objects():
            if isinstance(one, _lru_cache_wrapper):
                one.cache_clear()
        return Counter(type(one) for one in gc.get_objects())

    async def live() -> tuple[Counter[type], Counter[type]]:
        async with EmbeddedNetwork(seed=1) as network:
            return await play(network, 1), await play(network, 2)

    loop = FastLoop(SPEED)
    try:
        first, second = loop.run_until_complete(live())
    finally:
        loop.close()
    assert second.total() <= first.total() * MORE, (second - first).most_common(20)
    for gone in (Peer, Actor, Stage, Connection, NattedLan, Puncher, UdxStream, Attempt):
        assert second[gone] == 0, gone
