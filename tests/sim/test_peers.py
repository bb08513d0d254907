"""Attempts that go wrong or have bad weather: whatever happens, there is one final event and nothing is left."""

from __future__ import annotations

from random import Random

import pytest

from protocol.constants import ErrorCode, Firewall
from protocol.keys import key_pair
from protocol.messages import HolepunchPayload
from protocol.peer.events import ConnectionOpened, Stage
from protocol.peer.failures import Cause, ErrorName
from protocol.peer.options import ConnectOptions, ListenOptions
from protocol.peer.steps import Act, HolepunchStep, Release, Step
from tests.sim.hosts import SimHost, start_network
from tests.sim.nat import Behaviour, Nat, NatKind
from tests.sim.network import Network, Weather
from tests.sim.peers import PATIENCE, Heard, SimPeer, peer_options

PAIR = key_pair(b"s" * 32)
FAIR = Weather()
CONE = NatKind()
SYMMETRIC = NatKind(Behaviour.ADDRESS_AND_PORT_DEPENDENT, Behaviour.ADDRESS_AND_PORT_DEPENDENT)


class World:
    """A small DHT, with a server and a client behind a NAT each."""

    def __init__(self, seed: int, weather: Weather = FAIR, **client: object) -> None:
        self.network = Network(seed)
        self.nodes: list[SimHost] = start_network(self.network, 10)
        self.server = self.place(1, CONE, echo=True)
        self.client = self.place(2, CONE, **client)
        for peer in (self.server, self.client):
            peer.bootstrap()
        self.network.weather = weather

    def place(self, number: int, kind: NatKind | None, *, echo: bool = False, **options: object) -> SimPeer:
        made = peer_options(self.nodes, **options)
        if kind is None:
            return SimPeer(self.network, f"40.0.0.{number}", made, echo=echo)
        nat = Nat(self.network, f"30.0.0.{number}", kind)
        return SimPeer(self.network, f"192.168.{number}.2", made, nat=nat, echo=echo)

    def until_decided(self, heard: Heard) -> None:
        assert self.network.run_until(lambda: heard.opened or heard.closed is not None, PATIENCE)

    def check_nothing_is_left(self, *peers: SimPeer) -> None:
        self.network.run(90)
        for peer in peers or (self.server, self.client):
            assert not len(peer.peer.connections)
            assert not len(peer.peer.pool)
            assert peer.sockets == 2
            assert peer.peer.punches.running == 0
            assert all(server.handshakes == 0 for server in peer.peer.servers)
            for connection, heard in peer.heard.items():
                assert connection.closing is not None
                assert heard.closed is not None
                assert sum(stage.stage is Stage.CLOSED for stage in heard.stages) == 1


def test_two_behind_one_nat_meet_in_their_own_network() -> None:
    world = World(1)
    nat = world.server.nat
    assert nat is not None
    neighbour = SimPeer(world.network, "192.168.1.3", peer_options(world.nodes), nat=nat)
    neighbour.bootstrap()
    world.server.listen(PAIR)
    connection, heard = neighbour.connect(PAIR.public_key)
    world.until_decided(heard)
    assert heard.events == [ConnectionOpened()]
    assert connection.remote == world.server.peer.local_addresses[0]


@pytest.mark.parametrize("hairpin", [True, False])
def test_two_behind_one_nat_that_do_not_share_their_addresses(hairpin: bool) -> None:
    world = World(2)
    nat = Nat(world.network, "30.0.0.9", NatKind(hairpin=hairpin))
    inside = [
        SimPeer(world.network, f"192.168.9.{number}", peer_options(world.nodes), nat=nat, echo=True)
        for number in (2, 3)
    ]
    for peer in inside:
        peer.bootstrap()
    inside[0].listen(PAIR, ListenOptions(share_local_address=False))
    _, heard = inside[1].connect(PAIR.public_key, ConnectOptions(local_connection=False))
    world.until_decided(heard)
    assert heard.opened == hairpin
    if heard.closed is not None:
        assert heard.closed.closing.cause is Cause.PUNCHES_LOST


@pytest.mark.parametrize("seed", range(12))
def test_bad_weather(seed: int) -> None:
    weather = Weather(delay=0.01, jitter=0.2, loss=0.1, duplication=0.1)
    world = World(100 + seed, weather)
    world.server.listen(PAIR)
    _, heard = world.client.connect(PAIR.public_key)
    world.until_decided(heard)
    if heard.opened:
        [connection] = [known for known in world.client.heard if known.opened]
        data = bytes(range(256)) * 40
        world.client.act(lambda _, __: connection.send(data))
        world.client.act(lambda _, __: connection.end())
        assert world.network.run_until(lambda: heard.closed is not None, PATIENCE)
        assert heard.closed is not None
        assert heard.closed.closing.cause is Cause.ENDED
        assert heard.data == data
    world.network.weather = Weather()
    world.check_nothing_is_left()


@pytest.mark.parametrize("seed", range(24))
def test_either_side_gives_up_at_any_moment(seed: int) -> None:
    """Closing a connection, a server or a peer, suspending, and losing the network, at a time drawn by chance."""
    world = World(200 + seed, Weather(loss=0.05, duplication=0.05))
    random = Random(seed)
    server = world.server.listen(PAIR)
    connection, heard = world.client.connect(PAIR.public_key)
    deeds = {
        "client destroys": lambda: world.client.act(lambda _, now: connection.destroy(now)),
        "server closes": lambda: world.server.act(lambda _, now: server.close(now)),
        "client suspends": lambda: world.client.act(lambda peer, now: peer.suspend(now)),
        "server suspends": lambda: world.server.act(lambda peer, now: peer.suspend(now)),
        "client closes": lambda: world.client.act(lambda peer, now: peer.close(now)),
        "nats restart": lambda: [peer.nat.restart() for peer in (world.server, world.client) if peer.nat],
    }
    name = list(deeds)[seed % len(deeds)]
    world.network.run(random.random() * (0.1, 0.5, 3.0)[seed % 3])
    deeds[name]()
    world.network.weather = Weather()
    world.network.run(60)
    for known in tuple(world.server.heard) + tuple(world.client.heard):
        peer = world.server if known in world.server.heard else world.client
        peer.act(lambda _, now, known=known: known.destroy(now))  # type: ignore[misc]
    assert heard.closed is not None
    world.check_nothing_is_left()


def test_nobody_listens() -> None:
    world = World(3)
    _, heard = world.client.connect(PAIR.public_key)
    world.until_decided(heard)
    assert heard.closed is not None
    assert heard.closed.closing.error is ErrorName.PEER_NOT_FOUND
    assert heard.closed.closing.cause is Cause.NOT_FOUND


def test_a_server_that_vanished() -> None:
    world = World(4)
    world.server.listen(PAIR)
    world.server.running = False
    _, heard = world.client.connect(PAIR.public_key)
    world.until_decided(heard)
    assert heard.closed is not None
    assert heard.closed.closing.error is ErrorName.PEER_CONNECTION_FAILED
    assert heard.closed.closing.cause is Cause.NO_ANSWER
    world.check_nothing_is_left(world.client)


def test_a_key_that_is_none() -> None:
    world = World(5)
    _, heard = world.client.connect(bytes(32))
    assert heard.closed is not None
    assert heard.closed.closing.error is ErrorName.HANDSHAKE_INVALID
    world.check_nothing_is_left()


def test_no_connection_while_suspended_or_closed() -> None:
    world = World(6)
    world.client.act(lambda peer, now: peer.suspend(now))
    _, heard = world.client.connect(PAIR.public_key)
    assert heard.closed is not None
    assert heard.closed.closing.error is ErrorName.SUSPENDED
    world.client.act(lambda peer, now: peer.resume(49737, now))
    world.server.listen(PAIR)
    _, heard = world.client.connect(PAIR.public_key)
    world.until_decided(heard)
    assert heard.opened
    world.client.act(lambda peer, now: peer.close(now))
    assert heard.closed is not None
    _, heard = world.client.connect(PAIR.public_key)
    assert heard.closed is not None
    assert heard.closed.closing.error is ErrorName.NODE_DESTROYED


def test_the_second_connection_takes_the_relays_of_the_first() -> None:
    world = World(7)
    world.server.listen(PAIR)
    _, heard = world.client.connect(PAIR.public_key)
    world.until_decided(heard)
    searches = world.network.sent
    _, again = world.client.connect(PAIR.public_key)
    world.until_decided(again)
    assert again.opened
    assert world.client.peer.remembered_relays(PAIR.public_key, world.network.now)
    assert world.network.sent - searches < 200


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_policy_declines(who: str) -> None:
    world = World(8)
    world.server.listen(PAIR, ListenOptions(holepunch=lambda *_: who == "client"))
    options = ConnectOptions(fast_open=False, holepunch=lambda *_: who == "server")
    _, heard = world.client.connect(PAIR.public_key, options)
    world.until_decided(heard)
    assert heard.closed is not None
    assert heard.closed.closing.error is ErrorName.HOLEPUNCH_ABORTED
    assert heard.closed.closing.cause is (Cause.POLICY if who == "client" else Cause.REMOTE_ABORTED)
    world.network.run(30)
    [of_server] = world.server.heard.values()
    assert of_server.closed is not None
    assert of_server.closed.closing.cause is (Cause.REMOTE_ABORTED if who == "client" else Cause.POLICY)
    world.check_nothing_is_left()


def test_a_firewall_turns_away_without_a_word() -> None:
    asked: list[bytes] = []
    world = World(9)
    server = world.server.listen(PAIR, ListenOptions(firewall=lambda key, *_: not asked.append(key)))
    connection, heard = world.client.connect(PAIR.public_key)
    world.until_decided(heard)
    assert heard.closed is not None
    assert heard.closed.closing.cause is Cause.NO_ANSWER
    assert asked == [connection.public_key], "asked again for a repeated message"
    assert sum(server.refused.values()) == 1


def test_only_one_random_punch_at_a_time() -> None:
    world = World(10)
    world.server.listen(PAIR)
    clients = [world.place(20 + number, SYMMETRIC) for number in range(2)]
    heards = []
    for client in clients:
        client.bootstrap()
    for client in clients:
        heards.append(client.connect(PAIR.public_key, ConnectOptions(local_connection=False))[1])
    for heard in heards:
        world.until_decided(heard)
    assert sorted(heard.opened for heard in heards) == [False, True]
    [refused] = [heard for heard in heards if heard.closed is not None]
    assert refused.closed is not None
    assert refused.closed.closing.error is ErrorName.HOLEPUNCH_ABORTED
    assert refused.closed.closing.cause is Cause.REMOTE_TRY_LATER
    assert world.server.peer.punches.try_later == 1


# Steps in the hands of a person.


def gated(act: Act, change: object) -> object:
    """A gate that has `change(step, release, now)` decide about one kind of step."""

    def gate(step: Step, release: Release, now: float) -> None:
        if step.act is act:
            change(step, release, now)  # type: ignore[operator]
        else:
            release(step, now)

    return gate


@pytest.mark.parametrize("act", [Act.OFFER, Act.PROBE, Act.PUNCH, Act.BARRAGE, Act.SESSION])
def test_a_step_is_held_and_let_go_later(act: Act) -> None:
    held: list[tuple[Step, Release]] = []
    world = World(11, gate=gated(act, lambda step, release, now: held.append((step, release))))
    world.server.listen(PAIR)
    _, heard = world.client.connect(PAIR.public_key, ConnectOptions(fast_open=act is Act.SESSION))
    world.network.run_until(lambda: bool(held), 20)
    world.network.run(5)
    if heard.opened:
        # The server punches too, and was quicker.
        assert act in (Act.PUNCH, Act.BARRAGE)
        return
    assert len(held) == 1
    step, release = held[0]
    world.client.act(lambda _, now: release(step, now))
    held.clear()
    world.until_decided(heard)
    assert heard.opened, heard.closed


@pytest.mark.parametrize("act", [Act.OFFER, Act.PROBE, Act.PUNCH])
def test_a_step_that_is_left_out_ends_the_attempt(act: Act) -> None:
    world = World(12, gate=gated(act, lambda step, release, now: release(None, now)))
    world.server.listen(PAIR)
    _, heard = world.client.connect(PAIR.public_key, ConnectOptions(fast_open=False))
    world.until_decided(heard)
    assert heard.closed is not None
    assert heard.closed.closing.cause is Cause.SKIPPED
    world.check_nothing_is_left()


def test_a_forged_probe_is_what_the_server_hears() -> None:
    forged = HolepunchPayload(ErrorCode.ABORTED, Firewall.UNKNOWN, 7)

    def forge(step: HolepunchStep, release: Release, now: float) -> None:
        release(HolepunchStep(step.act, step.connection, forged, step.relay, step.peer_address), now)

    world = World(13, gate=gated(Act.PROBE, forge))
    world.server.listen(PAIR)
    _, heard = world.client.connect(PAIR.public_key, ConnectOptions(fast_open=False))
    world.until_decided(heard)
    assert heard.closed is not None
    assert heard.closed.closing.cause is Cause.REMOTE_ABORTED
    [of_server] = world.server.heard.values()
    assert of_server.closed is not None
    assert of_server.closed.closing.detail == "error 1 in round 7"
    world.check_nothing_is_left()
