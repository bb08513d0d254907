"""Peers that have a proxy punch for them, in either role, behind NATs that would not let them through themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.constants import Command
from protocol.decode import decode_datagram
from protocol.envelope import encode_request
from protocol.keys import key_pair
from protocol.messages import Address, Request
from protocol.peer.failures import Cause
from protocol.peer.options import ConnectOptions, ListenOptions, ProxyUse
from protocol.proxy.handoff import HandoffCommand, ProxyState, encode_start
from protocol.proxy.host import ProxyHost, host_proxy
from protocol.proxy.limits import ProxyLimits, ProxyRefusal
from protocol.secretbox import open_payload
from protocol.storage_values import decode_plugin_request, encode_plugin_request
from tests.sim.hosts import SimHost, start_network
from tests.sim.nat import Behaviour, Nat, NatKind
from tests.sim.network import Network
from tests.sim.peers import PATIENCE, Heard, SimPeer, peer_options

SERVER = key_pair(b"s" * 32)
CLIENT = key_pair(b"c" * 32)
PROXY = key_pair(b"p" * 32)
CONE = NatKind()
SYMMETRIC = NatKind(Behaviour.ADDRESS_AND_PORT_DEPENDENT, Behaviour.ADDRESS_AND_PORT_DEPENDENT)
KINDS = {"open": None, "consistent": CONE, "random": SYMMETRIC}
DATA = bytes(range(256)) * 200


class World:
    """A small DHT with a server, a client and a proxy, each in a place of its own."""

    def __init__(self, client: str, server: str, proxy: str, seed: int = 1) -> None:
        self.network = Network(seed)
        self.nodes: list[SimHost] = start_network(self.network, 10)
        self.server = self._place(1, server, echo=True)
        self.client = self._place(2, client)
        self.proxy = self._place(3, proxy)
        for peer in (self.server, self.client, self.proxy):
            peer.bootstrap()

    def _place(self, number: int, kind: str, *, echo: bool = False) -> SimPeer:
        nat = KINDS[kind]
        if nat is None:
            return SimPeer(self.network, f"40.0.0.{number}", peer_options(self.nodes), echo=echo)
        return SimPeer(
            self.network,
            f"192.168.{number}.2",
            peer_options(self.nodes),
            nat=Nat(self.network, f"30.0.0.{number}", nat),
            echo=echo,
        )

    def host(self, limits: ProxyLimits | None = None, *admitted: bytes) -> ProxyHost:
        """The proxy's service, once it can be reached."""
        made: list[ProxyHost] = []
        admits = (lambda key: key in admitted) if admitted else None
        self.proxy.act(lambda peer, now: made.append(host_proxy(peer, PROXY, now, admits, limits)))
        assert self.network.run_until(lambda: made[0].server.listening, PATIENCE)
        return made[0]

    def connect(self, use: ProxyUse | None = None) -> Heard:
        """The client's connection, once it is decided."""
        options = ConnectOptions(key_pair=CLIENT, proxy=use)
        self.connection, heard = self.client.connect(SERVER.public_key, options)
        self.network.run_until(lambda: heard.opened or heard.closed is not None, PATIENCE)
        return heard

    def exchange(self, heard: Heard) -> None:
        """Data there and back."""
        for start in range(0, len(DATA), 1024):
            self.client.act(lambda _, __, at=start: self.connection.send(DATA[at : at + 1024]))  # type: ignore[misc]
        assert self.network.run_until(lambda: len(heard.data) >= len(DATA), PATIENCE)
        assert heard.data == DATA


def use(*, after_probe: bool = False) -> ProxyUse:
    return ProxyUse(PROXY.public_key, after_probe=after_probe)


def test_two_random_nats_do_not_get_through_by_themselves() -> None:
    world = World("random", "random", "open")
    world.server.listen(SERVER)
    heard = world.connect()
    assert heard.closed is not None
    assert heard.closed.closing.cause is Cause.DOUBLE_RANDOM


@pytest.mark.parametrize("proxy", ["open", "consistent"])
@pytest.mark.parametrize("server", ["consistent", "random"])
@pytest.mark.parametrize("client", ["consistent", "random"])
def test_a_proxy_punches_for_a_client(client: str, server: str, proxy: str) -> None:
    world = World(client, server, proxy)
    host = world.host()
    world.server.listen(SERVER)
    heard = world.connect(use())
    assert heard.opened, heard.closed
    [handoff] = host.handoffs
    assert handoff.attempt.state is ProxyState.CONNECTED
    world.exchange(heard)
    assert handoff.forwarded > 2 * len(DATA)
    [accepted] = world.server.accepted
    assert accepted.remote_public_key == CLIENT.public_key, "the server has not connected to the client"


@pytest.mark.parametrize("proxy", ["open", "consistent"])
@pytest.mark.parametrize("server", ["consistent", "random"])
@pytest.mark.parametrize("client", ["consistent", "random"])
def test_a_proxy_punches_for_a_server(client: str, server: str, proxy: str) -> None:
    world = World(client, server, proxy)
    host = world.host()
    world.server.listen(SERVER, ListenOptions(proxy=use()))
    world.network.run(10)
    heard = world.connect()
    assert heard.opened, heard.closed
    [handoff] = host.handoffs
    assert handoff.attempt.state is ProxyState.CONNECTED
    world.exchange(heard)
    assert handoff.forwarded > 2 * len(DATA)


@pytest.mark.parametrize("role", ["client", "server"])
def test_a_proxy_takes_over_after_the_probe_round(role: str) -> None:
    world = World("consistent", "consistent", "consistent")
    host = world.host()
    mine = use(after_probe=True)
    world.server.listen(SERVER, ListenOptions(proxy=mine if role == "server" else None))
    world.network.run(10)
    options = ConnectOptions(key_pair=CLIENT, proxy=mine if role == "client" else None, fast_open=False)
    world.connection, heard = world.client.connect(SERVER.public_key, options)
    world.network.run_until(lambda: heard.opened or heard.closed is not None, PATIENCE)
    assert heard.opened, heard.closed
    assert host.connected == 1
    world.exchange(heard)


def test_the_end_of_a_connection_is_the_end_of_its_hand_off() -> None:
    world = World("random", "random", "open")
    host = world.host()
    world.server.listen(SERVER)
    heard = world.connect(use())
    assert heard.opened
    world.client.act(lambda _, now: world.connection.destroy(now))
    world.network.run(90)
    assert not host.handoffs
    for peer in (world.client, world.server, world.proxy):
        assert not len(peer.peer.pool)
        assert peer.peer.punches.running == 0
    assert not len(world.client.peer.connections)
    assert not len(world.server.peer.connections)


def test_who_is_not_admitted_is_told_so() -> None:
    world = World("random", "random", "open")
    world.host(None, SERVER.public_key)
    world.server.listen(SERVER)
    heard = world.connect(use())
    assert heard.closed is not None
    assert heard.closed.closing.cause is Cause.NO_PROXY


def test_a_server_that_is_no_proxy_is_named_as_such() -> None:
    world = World("random", "random", "open")
    world.proxy.listen(PROXY)
    world.server.listen(SERVER)
    heard = world.connect(use())
    assert heard.closed is not None
    assert heard.closed.closing.cause is Cause.NO_PROXY
    assert "does not answer as a proxy" in heard.closed.closing.detail


def test_too_many_hand_offs_are_refused() -> None:
    world = World("random", "random", "open")
    world.host(ProxyLimits(handoffs=0))
    world.server.listen(SERVER)
    heard = world.connect(use())
    assert heard.closed is not None
    assert heard.closed.closing.cause is Cause.PROXY_REFUSED
    assert "too many" in heard.closed.closing.detail


def test_a_hand_off_without_bytes_left_passes_nothing_on() -> None:
    world = World("random", "random", "open")
    host = world.host(ProxyLimits(bytes=20_000))
    world.server.listen(SERVER)
    heard = world.connect(use())
    assert heard.opened
    for start in range(0, len(DATA), 1024):
        world.client.act(lambda _, __, at=start: world.connection.send(DATA[at : at + 1024]))  # type: ignore[misc]
    assert world.network.run_until(lambda: heard.closed is not None, PATIENCE)
    assert len(heard.data) < 20_000
    assert all(handoff.forwarded <= 20_000 for handoff in host.handoffs)


def test_a_peer_that_vanishes_leaves_nothing_at_the_proxy() -> None:
    world = World("random", "random", "open")
    host = world.host()
    world.server.listen(SERVER)
    assert world.connect(use()).opened
    world.client.running = False
    world.network.run(120)
    assert not host.handoffs
    assert not len(world.proxy.peer.pool)


def plugin_requests(world: World) -> list[tuple[bytes, Address, Address]]:
    """Every PLUGIN request that crosses the network from now on: datagram, source and destination."""
    seen: list[tuple[bytes, Address, Address]] = []
    send = world.network.send

    def tapped(data: bytes, source: Address, to: Address) -> None:
        message = decode_datagram(data)
        if isinstance(message, Request) and message.command == Command.PLUGIN and not message.internal:
            seen.append((data, source, to))
        send(data, source, to)

    world.network.send = tapped  # type: ignore[method-assign]
    return seen


def test_nobody_else_moves_or_ends_a_hand_off() -> None:
    world = World("random", "random", "open")
    host = world.host()
    world.server.listen(SERVER)
    seen = plugin_requests(world)
    heard = world.connect(use())
    assert heard.opened
    assert len(seen) >= 2
    [handoff] = host.handoffs
    stranger = Address("50.0.0.1", 5)
    world.network.attach(stranger.host, lambda *_: None)
    for data, _, to in tuple(seen):
        # The same again, from elsewhere; as another command; changed at the end; for a link that is not there.
        message = decode_datagram(data)
        assert isinstance(message, Request)
        asked = decode_plugin_request(message.value or b"")
        assert asked.value is not None
        for command in HandoffCommand:
            for value in (asked.value, asked.value[:-1] + b"\0", bytes(4) + asked.value[4:], asked.value[:7], b""):
                forged = replace(message, value=encode_plugin_request(replace(asked, command=command, value=value)))
                world.network.send(encode_request(forged), stranger, to)
    world.network.run(5)
    assert host.handoffs == (handoff,)
    assert handoff.attempt.state is ProxyState.CONNECTED
    assert host.refused[ProxyRefusal.NOT_SEALED]
    assert host.refused[ProxyRefusal.UNKNOWN_LINK]
    assert host.refused[ProxyRefusal.REPEATED]
    world.exchange(heard)


def test_the_proxy_can_not_read_the_stream() -> None:
    """All that it has: the hand-off, its own link, and the packets."""
    world = World("random", "random", "open")
    host = world.host()
    world.server.listen(SERVER)
    packets: list[bytes] = []
    receive = host._forwarding.receive_datagram

    def tapped(data: bytes, addr: Address, now: float, socket: int) -> bool:
        taken = receive(data, addr, now, socket)
        if taken:
            packets.append(data)
        return taken

    host.receive_datagram = tapped  # type: ignore[method-assign]
    world.proxy.peer.connections.others[:] = [tapped]
    heard = world.connect(use())
    assert heard.opened
    world.exchange(heard)
    assert len(b"".join(packets)) > 2 * len(DATA)
    assert not any(DATA[at : at + 16] in packet for packet in packets for at in range(0, 256, 16))
    [handoff] = host.handoffs
    keys = world.connection.keys
    known = encode_start(handoff.attempt.start)
    assert keys.tx[:32] not in known
    assert keys.rx[:32] not in known
    link = handoff.link.keys
    assert not {keys.tx, keys.rx} & {link.tx, link.rx}
    content = b"".join(packet[20:] for packet in packets)
    for secret in (handoff.attempt.start.secret, link.tx[:32], link.rx[:32]):
        for at in range(0, 200):
            assert open_payload(secret, content[at : at + 1100]) is None
