"""Relay and clients, ours and real ones in every combination: a mebibyte each way, and how pairs end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from itertools import product
from typing import Any

import pytest

from protocol.blind_relay.client import PairingFailed, RelayClosed, RelayOpened
from protocol.blind_relay.events import LinkClosed, LinkOpened, SessionClosed
from protocol.blind_relay.link import LinkEnd
from protocol.blind_relay.states import RelayEnd, RelayErrorName
from protocol.stream.events import CloseReason, StreamClosed
from tests.interop.relay_parties import TOKEN, OurClient, OurRelay, Real, as_options, keys, ours, public_key, theirs

pytestmark = pytest.mark.node

MIB = 1 << 20
CONTROL = {"a": (31, 41), "b": (32, 42)}
"""Stream ids of the secret streams to the relay: the client's, the relay's."""
DATA = {"a": 51, "b": 52}
WHO = ("ours", "real")


class Party:
    """One client, whoever it is."""

    def __init__(self, client: OurClient | Real) -> None:
        self.client = client

    async def report(self) -> dict[str, Any]:
        if isinstance(self.client, OurClient):
            saw = await self.client.report()
            return saw | {"sha256": sha256(saw["data"]).hexdigest()}
        return await self.client.line("read")


class Stage:
    """A relay, and clients that join it."""

    def __init__(self, stack: AsyncExitStack, relay: OurRelay | Real, port: int) -> None:
        self.stack = stack
        self.relay = relay
        self.port = port

    async def join(self, who: str, name: str, *, size: int = 0, act: str = "exchange") -> Party:
        ids = (*CONTROL[name], DATA[name])
        initiator = name == "a"
        if who == "ours":
            client: OurClient | Real = OurClient(name, initiator, self.port, ids, size, act)
        else:
            client = await Real.start(
                role="client",
                port=self.port,
                id=ids[0],
                remoteId=ids[1],
                dataId=ids[2],
                keys=as_options(keys(name, True)),
                publicKey=public_key(name).hex(),
                token=TOKEN.hex(),
                isInitiator=initiator,
                data=as_options(keys("data", initiator)),
                size=size,
                act=act,
            )
        self.stack.push_async_callback(client.close)
        if isinstance(client, Real):
            await client.line("opened")
        else:
            await client.until(lambda: RelayOpened() in client.events)
        return Party(client)


@asynccontextmanager
async def stage(who: str) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        if who == "ours":
            relay: OurRelay | Real = OurRelay({there: (name, here) for name, (here, there) in CONTROL.items()})
            stack.push_async_callback(relay.close)
            port = relay.port
        else:
            clients = [
                {
                    "id": there,
                    "remoteId": here,
                    "keys": as_options(keys(name, False)),
                    "publicKey": public_key(name).hex(),
                }
                for name, (here, there) in CONTROL.items()
            ]
            relay = await Real.start(role="relay", clients=clients)
            stack.push_async_callback(relay.close)
            port = (await relay.line("port"))["port"]
        yield Stage(stack, relay, port)


@pytest.mark.parametrize(("relay", "a", "b"), product(WHO, WHO, WHO))
async def test_a_mebibyte_each_way(relay: str, a: str, b: str) -> None:
    async with stage(relay) as scene:
        parties = [await scene.join(a, "a", size=MIB), await scene.join(b, "b", size=MIB, act="answer")]
        saw = [await party.report() for party in parties]
        for each, partner in zip(saw, (b, a), strict=True):
            sent = ours(MIB) if partner == "ours" else theirs(MIB)
            assert (each["read"], each["sha256"]) == (MIB, sha256(sent).hexdigest())
            assert each["ended"]
            assert each.get("error") is None
            assert each.get("close") in (None, StreamClosed(CloseReason.ENDED))
        if isinstance(scene.relay, OurRelay):
            await scene.relay.until(lambda: not scene.relay.server.sessions)  # type: ignore[union-attr]
            check_our_relay(scene.relay)
        else:
            assert {(await scene.relay.line("closed"))["closed"] for _ in CONTROL} == {41, 42}
            await scene.relay.go()
            stats = (await scene.relay.line("stats"))["stats"]
            assert stats == {"opened": 2, "matched": 1, "cancelled": 0, "pending": 0, "links": 0, "streams": 0}


def check_our_relay(relay: OurRelay) -> None:
    link = next(event.link for event in relay.events if isinstance(event, LinkOpened))
    assert [leg.remote_id for leg in link.legs] == [DATA["b"], DATA["a"]]
    assert all(leg.bytes_received > MIB for leg in link.legs)
    assert [event.end for event in relay.events if isinstance(event, LinkClosed)] == [LinkEnd.SESSION_CLOSED]
    assert len([event for event in relay.events if isinstance(event, SessionClosed)]) == 2
    counters = relay.server.counters
    assert counters.packets_relayed + counters.packets_unsent == sum(leg.packets_received for leg in link.legs)
    assert (link.strangers, counters.pairings_cancelled) == (0, 0)
    assert relay.server.links == relay.server.waiting == 0


@pytest.mark.parametrize("relay", WHO)
@pytest.mark.parametrize("who", WHO)
async def test_a_pair_that_is_taken_back(relay: str, who: str) -> None:
    async with stage(relay) as scene:
        party = await scene.join(who, "a", act="unpair")
        if isinstance(party.client, OurClient):
            party.client.client.unpair(TOKEN)
            party.client.client.end()
            party.client._flush()
            party.client.pump()
            expected = PairingFailed(TOKEN, DATA["a"], RelayErrorName.PAIRING_CANCELLED)
            assert party.client.events == [RelayOpened(), expected, RelayClosed(RelayEnd.ENDED)]
        else:
            await party.client.go()
            assert (await party.report())["relayError"] == "PAIRING_CANCELLED"
        if isinstance(scene.relay, OurRelay):
            await scene.relay.until(lambda: not scene.relay.server.sessions)  # type: ignore[union-attr]
            assert scene.relay.server.counters.pairings_cancelled == 1
            assert scene.relay.server.waiting == 0
        else:
            await scene.relay.line("closed")
            await scene.relay.go()
            stats = (await scene.relay.line("stats"))["stats"]
            assert (stats["cancelled"], stats["pending"], stats["matched"]) == (1, 0, 0)


@pytest.mark.parametrize(("relay", "who", "partner"), product(WHO, WHO, WHO))
async def test_a_destroy_reaches_the_partner(relay: str, who: str, partner: str) -> None:
    async with stage(relay) as scene:
        parties = [await scene.join(who, "a", size=MIB, act="destroy"), await scene.join(partner, "b", size=MIB)]
        own, other = [await party.report() for party in parties]
        if partner == "ours":
            assert other["close"] == StreamClosed(CloseReason.RESET)
        else:
            assert other["error"] == "ECONNRESET"
        assert not own["ended"]
        assert not other["ended"]
        assert own["read"] < MIB
        if isinstance(scene.relay, OurRelay):
            await scene.relay.until(lambda: not scene.relay.server.sessions)  # type: ignore[union-attr]
            assert [event.end for event in scene.relay.events if isinstance(event, LinkClosed)] == [LinkEnd.DESTROYED]
        else:
            assert {(await scene.relay.line("closed"))["closed"] for _ in CONTROL} == {41, 42}
