"""Hosts of the embedded network: what they send arrives as on an internet with routers and NATs."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from random import Random
from socket import AF_INET, SOCK_DGRAM, socket

import pytest

from app.demo.loopback_network import Loopback, NoLoopbackError
from app.demo.own_addresses import OwnAddresses
from app.demo.places import CONSISTENT, RANDOM, REMAPPING, Places
from app.demo.weather import Dropped, Weather
from protocol.messages import Address
from protocol.nat_box import NatKind, NatRefusal
from protocol.udp_shell import Tapped
from protocol.udp_sockets import Endpoint, Network

PATIENCE = 10.0
QUICK = Weather(delay=0.001, jitter=0.001)


class Ear:
    """An endpoint that keeps what it receives."""

    def __init__(self, network: Network, port: int = 0) -> None:
        self.heard: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue()
        self.endpoint: Endpoint = network.bind(
            "0.0.0.0", port, lambda data, source, _: self.heard.put_nowait((data, source))
        )
        self.address = self.endpoint.address

    def send(self, data: bytes, to: Address, ttl: int | None = None) -> None:
        self.endpoint.send(data, to, ttl)

    async def hears(self) -> tuple[bytes, Address]:
        async with asyncio.timeout(PATIENCE):
            return await self.heard.get()


@pytest.fixture
async def taps() -> list[Tapped]:
    return []


@pytest.fixture
async def places(taps: list[Tapped]) -> AsyncIterator[Places]:
    loopback = Loopback(Random(1), QUICK, taps.append)
    places = Places(loopback, Random(2))
    yield places
    places.close()
    loopback.close()
    assert loopback.sockets == loopback.on_the_way == 0


async def test_public_hosts_hear_each_other(places: Places, taps: list[Tapped]) -> None:
    one, two = Ear(places.public_host(), 49737), Ear(places.public_host(), 49737)
    one.send(b"hello", two.address)
    assert await two.hears() == (b"hello", one.address)
    assert one.address.port == two.address.port == 49737
    assert [(tap.outgoing, tap.local, tap.remote, tap.ttl, tap.data) for tap in taps] == [
        (True, one.address, two.address, 64, b"hello")
    ]


async def test_the_outside_of_a_nat_is_a_real_socket(places: Places, taps: list[Tapped]) -> None:
    lan = places.lan(CONSISTENT)
    inside, server, stranger = Ear(places.host(lan)), Ear(places.public_host()), Ear(places.public_host())
    inside.send(b"out", server.address)
    data, seen = await server.hears()
    assert (data, seen) == (b"out", Address(lan.public_host, inside.address.port))
    # Anybody on this machine can reach it, and is filtered like anybody else.
    stranger.send(b"stray", seen)
    server.send(b"back", seen)
    assert await inside.hears() == (b"back", server.address)
    await until(lambda: lan.box.refused[NatRefusal.FILTERED] == 1)
    assert [(tap.local, tap.ttl) for tap in taps] == [(seen, 63), (stranger.address, 64), (server.address, 64)]


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop go on until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(QUICK.delay)


@pytest.mark.parametrize(("kind", "ports"), [(CONSISTENT, 1), (RANDOM, 5)])
async def test_each_mapping_is_one_socket(places: Places, kind: NatKind, ports: int) -> None:
    lan = places.lan(kind)
    inside = Ear(places.host(lan))
    before = places.loopback.sockets
    servers = [Ear(places.public_host()) for _ in range(5)]
    for server in servers:
        inside.send(b"x", server.address)
    seen = {(await server.hears())[1] for server in servers}
    assert len(seen) == ports
    assert places.loopback.sockets == before + 5 + ports
    lan.restart()
    assert places.loopback.sockets == before + 5


async def test_a_session_opener_opens_the_nat_and_ends_on_the_way(places: Places, taps: list[Tapped]) -> None:
    lan = places.lan(CONSISTENT)
    inside, peer = Ear(places.host(lan)), Ear(places.public_host())
    inside.send(b"\0", peer.address, 5)
    await until(lambda: places.loopback.dropped[Dropped.TTL_RAN_OUT] == 1)
    assert taps[-1].ttl == 4
    peer.send(b"in", Address(lan.public_host, inside.address.port))
    assert await inside.hears() == (b"in", peer.address)
    assert peer.heard.empty()


async def test_a_ttl_of_one_ends_at_the_nat(places: Places, taps: list[Tapped]) -> None:
    lan = places.lan(CONSISTENT)
    Ear(places.host(lan)).send(b"\0", Ear(places.public_host()).address, 1)
    assert places.loopback.dropped[Dropped.TTL_RAN_OUT] == 1
    assert not taps


async def test_neighbours_meet_inside_and_nothing_shows_outside(places: Places, taps: list[Tapped]) -> None:
    lan, other_lan = places.lan(CONSISTENT), places.lan(CONSISTENT)
    one, two, far = Ear(places.host(lan)), Ear(places.host(lan)), Ear(places.host(other_lan))
    one.send(b"hello", two.address)
    assert await two.hears() == (b"hello", one.address)
    one.send(b"hello", far.address)
    assert places.loopback.dropped[Dropped.NO_ROUTE] == 1
    assert not taps


async def test_a_remapping_nat_moves_its_port_after_a_stray(places: Places) -> None:
    lan = places.lan(REMAPPING)
    inside, relay, peer = Ear(places.host(lan)), Ear(places.public_host()), Ear(places.public_host())
    inside.send(b"sample", relay.address)
    announced = (await relay.hears())[1]
    peer.send(b"punch", announced)
    await until(lambda: lan.box.refused[NatRefusal.FILTERED] == 1)
    inside.send(b"punch", peer.address)
    assert (await peer.hears())[1] != announced
    inside.send(b"sample", relay.address)
    assert (await relay.hears())[1] == announced


async def test_what_does_not_arrive_is_counted_by_reason(places: Places) -> None:
    sky, dropped = places.loopback.sky, places.loopback.dropped
    one, two = Ear(places.public_host()), Ear(places.public_host())
    sky.take_down(two.address.host)
    one.send(b"x", two.address)
    await until(lambda: dropped[Dropped.OUTAGE] == 1)
    two.send(b"x", one.address)
    assert dropped[Dropped.OUTAGE] == 2
    sky.bring_up(two.address.host)
    sky.block(one.address.host, two.address.host)
    one.send(b"x", two.address)
    await until(lambda: dropped[Dropped.BLOCKED] == 1)
    sky.unblock(one.address.host, two.address.host)
    one.send(b"x", Address(two.address.host, two.address.port % 65535 + 1))
    assert dropped[Dropped.NO_SOCKET] == 1
    sky.weather = Weather(loss=1)
    one.send(b"x", two.address)
    await until(lambda: dropped[Dropped.LOST] == 1)
    sky.weather = QUICK
    one.send(b"y", two.address)
    assert await two.hears() == (b"y", one.address)
    one.send(b"x", two.address)
    two.endpoint.close()
    one.send(b"x", one.address)
    await one.hears()
    assert two.heard.empty()


async def test_a_port_of_another_program_is_passed_over(places: Places) -> None:
    lan = places.lan(CONSISTENT)
    inside, server = Ear(places.host(lan)), Ear(places.public_host())
    with socket(AF_INET, SOCK_DGRAM) as other:
        other.bind((lan.public_host, inside.address.port))
        inside.send(b"x", server.address)
        assert (await server.hears())[1].port != inside.address.port


async def test_a_nat_without_sockets_drops_and_counts(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    lan = places.lan(CONSISTENT)
    inside, server = Ear(places.host(lan)), Ear(places.public_host())

    def no_more(*_: object) -> None:
        raise OSError(errno.EMFILE, "too many")

    with monkeypatch.context() as patch:
        patch.setattr(places.loopback, "open", no_more)
        inside.send(b"x", server.address)
    assert places.loopback.dropped[Dropped.TOO_MANY_SOCKETS] == 1
    inside.send(b"y", server.address)
    assert (await server.hears())[0] == b"y"


async def test_datagrams_of_other_programs_are_tapped_as_they_arrive(places: Places, taps: list[Tapped]) -> None:
    ear = Ear(places.public_host())
    with socket(AF_INET, SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.sendto(b"foreign", ear.address)
        source = Address(*other.getsockname())
        assert await ear.hears() == (b"foreign", source)
    assert [(tap.outgoing, tap.local, tap.remote, tap.ttl) for tap in taps] == [(False, ear.address, source, 64)]


async def test_hosts_bind_only_their_own_address_and_each_port_once(places: Places) -> None:
    for host in (places.public_host(), places.host(places.lan(CONSISTENT))):
        with pytest.raises(OSError, match="assign") as raised:
            host.bind("127.0.0.1", 0, lambda *_: None)
        assert raised.value.errno == errno.EADDRNOTAVAIL
        endpoint = host.bind(host.host, 5000, lambda *_: None)
        with pytest.raises(OSError, match="in use"):
            host.bind("0.0.0.0", 5000, lambda *_: None)
        endpoint.close()
        host.bind("0.0.0.0", 5000, lambda *_: None).close()


def test_a_system_without_these_addresses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere(socket):
        def bind(self, address: object) -> None:
            if self.family == AF_INET:
                raise OSError(errno.EADDRNOTAVAIL, "no such address")
            super().bind(address)  # type: ignore[arg-type]

    monkeypatch.setattr("app.demo.own_addresses.socket", Elsewhere)
    with pytest.raises(NoLoopbackError, match=r"127\.0\.0\.0/8"):
        OwnAddresses(Random(1)).take()


def test_two_networks_never_share_an_address() -> None:
    one, other = OwnAddresses(Random(1)), OwnAddresses(Random(1))
    first, second = [[each.take() for _ in range(50)] for each in (one, other)]
    assert not set(first) & set(second)
    one.close()
    again = OwnAddresses(Random(1))
    assert again.take() == first[0]
    for each in (other, again):
        each.close()


def test_addresses_of_other_programs_are_passed_over() -> None:
    own = OwnAddresses(Random(1))
    first, second = own.take(), own.take()
    own.close()
    with socket(AF_INET, SOCK_DGRAM) as other:
        other.bind((first, 49737))
        assert own.take() != first
        own.close()
    again = OwnAddresses(Random(1))
    assert (again.take(), again.take()) == (first, second)
    again.close()
