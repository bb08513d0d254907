"""The embedded network as a DHT: for our nodes behind NATs, for real peers, and as tcpdump sees it."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from pathlib import Path

import pytest

from app.demo.embedded_network import EmbeddedNetwork, TooFewFilesError, allow_files
from app.demo.fast_clock import FastLoop
from app.demo.places import CONSISTENT, RANDOM, SEQUENTIAL
from app.demo.weather import Dropped, Weather
from capture.opening import open_captures
from capture.table import PacketTable, host_text
from capture.tap import Tap
from protocol.dht.operations import announce, look_up
from protocol.hashes import blake2b_256
from protocol.keys import key_pair
from protocol.nat_box import NatKind
from protocol.udp_shell import Tapped
from tests.app.demo.tcpdump import tcpdump
from tests.interop.dht_driver import real_nodes

SIZE = 12
TOPIC = blake2b_256(b"a topic")
SEED = b"s" * 32
KEY = key_pair(SEED).public_key


async def test_all_nodes_know_each_other_and_nothing_is_left() -> None:
    async with EmbeddedNetwork(seed=1, nodes=SIZE) as network:
        assert len({shell.address(1).host for shell in network.nodes}) == len(network.nodes) == SIZE
        for shell in network.nodes[1:]:
            assert shell.machine.id is not None
            known = {node.address for node in shell.machine.membership.table}
            assert {other.address(1) for other in network.nodes[1:]} - {shell.address(1)} <= known
        pair = key_pair(SEED)
        assert (await network.nodes[3].run(announce, TOPIC, pair)).failure is None
        assert [peer.public_key for peer in (await network.nodes[9].run(look_up, TOPIC)).peers] == [pair.public_key]
        loopback = network.loopback
    assert loopback.sockets == loopback.on_the_way == loopback.errors == 0
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize(("kind", "one_port"), [(CONSISTENT, True), (SEQUENTIAL, True), (RANDOM, False)])
async def test_a_host_behind_a_nat_is_seen_as_its_nat(kind: NatKind, one_port: bool) -> None:
    async with EmbeddedNetwork(seed=2, nodes=SIZE) as network:
        lan = network.places.lan(kind)
        async with await network.node(network.places.host(lan)) as shell:
            await shell.bootstrapped()
            nat = shell.machine.reachability.nat
            assert nat.host == lan.public_host
            assert bool(nat.port) == one_port
            assert shell.machine.id is None
            assert (await shell.run(look_up, TOPIC)).search.failure is None
        assert lan.endpoints == 0


async def test_one_seed_gives_one_network() -> None:
    described = []
    for seed in (5, 5, 6):
        async with EmbeddedNetwork(seed=seed, nodes=3) as network:
            lan = network.places.lan(CONSISTENT)
            described.append((network.bootstrap, lan.public_host, network.places.host(lan).host))
    assert described[0] == described[1]
    assert not set(described[0]) & set(described[2])


async def test_two_networks_of_one_seed_do_not_get_in_each_others_way() -> None:
    async with EmbeddedNetwork(seed=5, nodes=3) as one, EmbeddedNetwork(seed=5, nodes=3) as two:
        assert one.bootstrap != two.bootstrap
        for network in (one, two):
            assert len(network.nodes[1].machine.membership) >= 1


async def test_bad_weather_is_counted() -> None:
    async with EmbeddedNetwork(seed=3, nodes=6, weather=Weather(loss=0.1)) as network:
        for shell in network.nodes:
            assert (await shell.run(look_up, TOPIC)).search.failure is None
        assert network.loopback.dropped[Dropped.LOST] > 0


def test_a_fast_clock_makes_a_minute_of_it_pass_in_seconds() -> None:
    speed = 30.0

    async def live() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        async with EmbeddedNetwork(seed=4, nodes=4) as network:
            start = loop.time(), network.loopback.time_ns()
            async with asyncio.timeout(300):
                while loop.time() - start[0] < 60:
                    assert (await network.nodes[1].run(look_up, TOPIC)).search.failure is None
                    await asyncio.sleep(5)
            return loop.time() - start[0], network.loopback.time_ns() - start[1]

    loop = FastLoop(speed)
    try:
        seconds, nanoseconds = loop.run_until_complete(live())
    finally:
        loop.close()
    assert seconds >= 60
    assert nanoseconds == pytest.approx(seconds * 1e9, rel=0.01)


def test_too_few_files_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100, 100))
    with pytest.raises(TooFewFilesError, match="ulimit -n"):
        allow_files()


def test_the_limit_on_files_is_raised_as_far_as_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    for hard, wanted in ((4096, 4096), (20000, 8192), (resource.RLIM_INFINITY, 8192)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, hard=hard: (256, hard))
        allow_files()
        assert asked.pop() == (wanted, hard)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (20000, 20000))
    allow_files()
    assert not asked


@pytest.mark.node
@pytest.mark.timed
async def test_real_peers_use_it_as_their_dht() -> None:
    async with EmbeddedNetwork(seed=7, nodes=SIZE) as network, real_nodes() as server, real_nodes() as client:
        bootstrap = [network.bootstrap._asdict()]
        options = {"quickFirewall": False}
        state = await server("node", name="s", bootstrap=bootstrap, options=options | {"host": "127.1.2.3"})
        assert state["known"] >= SIZE - 1
        await client("node", name="c", bootstrap=bootstrap, options=options | {"host": "127.4.5.6"})
        listening = await server("listen", name="s", seed=SEED.hex())
        assert len(listening["relays"]) == 3
        assert await client("connect", name="c", key=KEY.hex(), size=1 << 20) == {"intact": True}
        assert sum(shell.machine.router.relayed for shell in network.nodes) >= 4


async def test_tcpdump_sees_what_the_tap_tells(loopback_capture: None, tmp_path: Path) -> None:
    taken: list[Tapped] = []
    path = tmp_path / "lo.pcap"
    async with tcpdump(path), EmbeddedNetwork(seed=8, nodes=SIZE, tap=taken.append) as network:
        for kind in (CONSISTENT, RANDOM):
            async with await network.node(network.places.host(network.places.lan(kind))) as shell:
                await shell.run(look_up, TOPIC)
        hosts = {tapped.local.host for tapped in taken}
    tap = Tap()
    for tapped in taken:
        tap.take(tapped)
    tap.collect()
    table = open_captures([str(path)])
    assert table.files[0].malformed == 0
    seen, told = (Counter(_datagrams(each)) for each in (table, tap.table))
    # Other programs may use the loopback too.
    assert told == Counter({one: count for one, count in seen.items() if one[0] in hosts})
    assert told.total() == len(taken) > 100


def _datagrams(table: PacketTable) -> list[tuple[str, int, str, int, int, bytes]]:
    return [
        (
            host_text(int(table.src[row])),
            int(table.sport[row]),
            host_text(int(table.dst[row])),
            int(table.dport[row]),
            int(table.ttl[row]),
            table.payload(row),
        )
        for row in range(len(table))
    ]
