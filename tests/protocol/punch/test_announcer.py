"""Announcing in simulated networks: who holds the record, when it is renewed, and that it is taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from protocol.dht.contact import NodeSocket
from protocol.dht.health import Health
from protocol.dht.operations import find_peer, look_up
from protocol.hashes import target_of
from protocol.keys import key_pair
from protocol.messages import Address
from protocol.peer_values import decode_peer_record
from protocol.punch.announcer import Announcer, Phase
from tests.sim.hosts import SERVER_PORT, SimHost, client_options, start_network
from tests.sim.network import Network

PAIR = key_pair(b"a" * 32)
TARGET = target_of(PAIR.public_key)


class AnnouncingHost(SimHost):
    """A host whose node announces; its timers run with the node's."""

    announcer: Announcer | None = None

    def announce(self) -> list[float]:
        """Begin; the times at which the first update ended."""
        ended: list[float] = []
        self.announcer = Announcer(self.node, PAIR)
        self.announcer.start(self.network.now, ended.append)
        self.pump()
        return ended

    def act(self, deed: Callable[..., Any], *args: Any) -> None:
        deed(self.network.now, *args)
        self.pump()

    def pump(self) -> None:
        super().pump()
        due = self.announcer.next_timeout() if self.announcer is not None else None
        if due is not None:
            self.network.at(max(due, self.network.now), self._tick)

    def _tick(self) -> None:
        assert self.announcer is not None
        due = self.announcer.next_timeout()
        if self.running and due is not None and due <= self.network.now:
            self.node.handle_timeout(self.network.now)
            self.announcer.handle_timeout(self.network.now)
            self.pump()


class Stage:
    """A DHT, and a host that announces in it."""

    def __init__(self, size: int = 8, seed: int = 3) -> None:
        self.network = Network(seed)
        self.nodes = start_network(self.network, size)
        self.host = AnnouncingHost(self.network, "20.9.9.9", client_options(self.nodes, ephemeral=True))
        self.seeker = SimHost(self.network, "20.9.9.8", client_options(self.nodes, ephemeral=True))
        assert self.network.run_until(lambda: self.host.node.bootstrapped and self.seeker.node.bootstrapped, 60)

    def announced(self) -> Announcer:
        ended = self.host.announce()
        assert self.network.run_until(lambda: bool(ended), 60)
        announcer = self.host.announcer
        assert announcer is not None
        return announcer

    def holders(self) -> set[Address]:
        """The nodes that have the record, by looking at them."""
        now = self.network.now
        return {host.address for host in self.nodes if host.running and host.node.routes.get(TARGET, now) is not None}


def test_the_three_closest_nodes_become_relays() -> None:
    stage = Stage()
    announcer = stage.announced()
    assert len(announcer.relays) == 3
    relays = {relay.relay_address for relay in announcer.relays}
    assert stage.holders() == relays
    by_distance = sorted(
        (host for host in stage.nodes),
        key=lambda host: int.from_bytes(host.node.id or b"", "big") ^ int.from_bytes(announcer.target, "big"),
    )
    assert relays == {host.address for host in by_distance[:3]}
    # Relays know the host by the socket that announced.
    socket = stage.host.node.requests.main_socket
    port = SERVER_PORT if socket == NodeSocket.SERVER else 50000
    assert {relay.peer_address for relay in announcer.relays} == {Address("20.9.9.9", port)}
    assert all(announcer.is_relay(relay) for relay in relays)
    assert not announcer.is_relay(by_distance[3].address)
    assert decode_peer_record(announcer.record).public_key == PAIR.public_key
    found = stage.seeker.run(find_peer, PAIR.public_key)
    assert {holder.address for holder in found.holders} == relays
    assert [peer.public_key for peer in stage.seeker.run(look_up, announcer.target).peers] == [PAIR.public_key]


def test_relays_are_pinged_every_three_seconds_and_updated_after_five_minutes() -> None:
    stage = Stage()
    announcer = stage.announced()
    assert (announcer.updates, announcer.phase) == (1, Phase.PINGING)
    stage.network.run(30)
    assert 8 <= announcer.rounds <= 10
    assert announcer.updates == 1
    stage.network.run(300)
    assert announcer.updates == 2
    stage.network.run(310)
    assert announcer.updates == 3
    assert len(announcer.relays) == 3


def test_a_lost_relay_is_replaced_at_once() -> None:
    stage = Stage()
    announcer = stage.announced()
    lost = next(host for host in stage.nodes if host.address == announcer.relays[0].relay_address)
    lost.stop()
    stage.network.run(30)
    assert announcer.updates == 2
    relays = {relay.relay_address for relay in announcer.relays}
    assert lost.address not in relays
    assert len(relays) == 3
    assert stage.holders() == relays
    # The lost one is still ours for a while, since clients may know of it.
    assert announcer.is_relay(lost.address)


def test_refreshing_by_hand() -> None:
    stage = Stage()
    announcer = stage.announced()
    stage.network.run(10)
    assert announcer.phase is Phase.RESTING
    stage.host.act(announcer.refresh)
    assert announcer.phase is Phase.UPDATING
    stage.network.run(5)
    assert announcer.updates == 2


@pytest.mark.parametrize("after", [0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 1.03, 3.05, 10.0, 301.0])
def test_stopping_takes_everything_back_whenever_it_comes(after: float) -> None:
    stage = Stage()
    stage.host.announce()
    announcer = stage.host.announcer
    assert announcer is not None
    stage.network.run(after)
    stopped: list[float] = []
    stage.host.act(announcer.stop, stopped.append)
    stage.network.run(10)
    assert len(stopped) == 1
    assert announcer.phase is Phase.STOPPED
    assert stage.holders() == set()
    updates = announcer.updates
    stage.network.run(400)
    assert announcer.updates == updates
    assert announcer.next_timeout() is None
    assert stage.host.node.health_listeners == []
    # Again, and nothing but its end is told.
    stage.host.act(announcer.stop, stopped.append)
    stage.host.act(announcer.refresh)
    stage.host.act(announcer.resume)
    stage.network.run(5)
    assert len(stopped) == 2
    assert stage.holders() == set()


@pytest.mark.parametrize("after", [0.05, 0.3, 1.03, 10.0])
@pytest.mark.parametrize("pause", [0.0, 0.02, 0.1, 60.0])
def test_suspending_takes_back_and_resuming_announces_again(after: float, pause: float) -> None:
    stage = Stage()
    stage.host.announce()
    announcer = stage.host.announcer
    assert announcer is not None
    stage.network.run(after)
    suspended: list[float] = []
    stage.host.act(announcer.suspend, suspended.append)
    stage.network.run(pause)
    if pause > 10:
        assert len(suspended) == 1
        assert announcer.phase is Phase.SUSPENDED
        assert stage.holders() == set()
    stage.host.act(announcer.resume)
    stage.network.run(20)
    assert len(suspended) == 1
    assert stage.holders() == {relay.relay_address for relay in announcer.relays}
    assert len(announcer.relays) == 3


def test_nobody_to_announce_at() -> None:
    stage = Stage()
    for node in stage.nodes:
        node.stop()
    ended = stage.host.announce()
    announcer = stage.host.announcer
    assert announcer is not None
    stage.network.run(60)
    assert ended
    assert announcer.relays == ()
    stopped: list[float] = []
    stage.host.act(announcer.stop, stopped.append)
    stage.network.run(60)
    assert stopped


def test_an_offline_node_waits_for_the_network() -> None:
    stage = Stage()
    announcer = stage.announced()
    stage.network.run(5)
    for node in stage.nodes:
        node.asleep = True
    # What the application asks for meanwhile makes the node notice.
    for _ in range(12):
        for target in range(5):
            look_up(stage.host.node, stage.network.now, lambda _found, _now: None, bytes([target]) * 32)
        stage.host.pump()
        stage.network.run(10)
    assert stage.host.node.health is Health.OFFLINE
    assert announcer.phase is Phase.OFFLINE
    assert announcer.next_timeout() is None
    for node in stage.nodes:
        node.wake()
    stage.host.act(lambda now: look_up(stage.host.node, now, lambda _found, _now: None, bytes(32)))
    stage.network.run(700)
    assert stage.host.node.health is not Health.OFFLINE
    assert len(announcer.relays) == 3
    assert stage.holders() >= {relay.relay_address for relay in announcer.relays}


def test_an_open_host_names_itself_first() -> None:
    stage = Stage()
    first = stage.nodes[1]
    announcer = Announcer(first.node, PAIR)
    announcer.start(stage.network.now)
    first.pump()
    stage.network.run(5)
    assert announcer.relay_addresses[0] == first.address
    assert len(announcer.relay_addresses) == 3
    assert len(announcer.relays) == 3
