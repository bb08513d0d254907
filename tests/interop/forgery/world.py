"""Plays cases: a DHT of ours on loopback with simulated NATs, our peer with a hand before it, and a real one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from app.demo.embedded_network import EmbeddedNetwork
from app.demo.places import CONSISTENT, RANDOM
from capture.model import Flow
from capture.story import Story
from capture.tap import Tap
from protocol.dht.contact import Outgoing
from protocol.hashes import target_of
from protocol.keys import key_pair
from protocol.messages import Address
from protocol.peer.live import Conversation, ConversationOver, LivePeer
from protocol.peer.options import ConnectOptions, ListenOptions, PeerOptions
from tests.interop.dht_driver import Driver, real_nodes
from tests.interop.forgery.cases import Case
from tests.interop.forgery.hand import Hand

NATS = {"consistent": CONSISTENT, "random": RANDOM}
SETTLING = 0.3
"""Seconds after the end of an attempt in which its last datagrams arrive."""


@dataclass(frozen=True, slots=True)
class Played:
    """One run, before its packets are looked at."""

    case: Case
    attempt: str
    """Hex digits that name the attempt in the capture; empty where our side never learned of it."""
    target: bytes
    """Hash of the server's public key."""
    notes: tuple[dict[str, Any], ...]
    """What the real peer told."""
    ours: str
    """How it ended here; empty for a connection."""
    theirs: str | None
    """The error that the application of the real client saw."""
    seconds: float


class World:
    """A network in which cases are played, several at once if wanted."""

    def __init__(self, network: EmbeddedNetwork, tap: Tap) -> None:
        self.network = network
        self.tap = tap
        self._playing: list[tuple[Case, Hand]] = []
        silent = network.places.public_host()
        self._nobody = silent.bind(silent.host, 0, lambda *_: None)
        for shell in network.nodes:
            self._stand_before(shell.machine)

    def story(self) -> Story:
        """Everything that was seen on the wire so far."""
        self.tap.collect()
        return Story(self.tap.table)

    async def play(self, case: Case, real: Driver) -> Played:
        """One case with a real peer of this process, which plays nothing else meanwhile."""
        places = self.network.places
        lan = places.lan(NATS[case.nat])
        hand = Hand(case.step, case.datagram, active=not case.before, kept={"nobody": self._nobody.address})
        options = PeerOptions(node=self.network.client_options, gate=hand.gate, on_key=hand.took,
                              random_punch_interval=0.1)  # fmt: skip
        host = places.public_host()
        name = case.name
        self._playing.append((case, hand))
        try:
            async with await LivePeer.open(options, port=0, network=places.host(lan)) as ours:
                await ours.bootstrapped()
                hand.stand_before(ours.shell.machine)
                await real("node", name=name, bootstrap=[self.network.bootstrap._asdict()], host=host.host, options={})
                part = self._as_client if case.by == "client" else self._as_server
                played = await part(case, hand, ours, real)
                await real("destroy", name=name)
                return played
        finally:
            self._playing.remove((case, hand))
            for line in hand.keys:
                self.tap.add_secrets(line.text + "\n")
            places.give_up(lan)
            places.give_up(host)

    async def _as_client(self, case: Case, hand: Hand, ours: LivePeer, real: Driver) -> Played:
        seed = self.network.random.randbytes(32)
        listening = await real("listen", name=case.name, seed=seed.hex())
        relays = {Address(relay["host"], relay["port"]) for relay in listening["relays"]}
        addresses = [shell.address(1) for shell in self.network.nodes]
        hand.kept["other relay"] = next(address for address in addresses if address not in relays)
        loop = asyncio.get_running_loop()
        for last in (False, True) if case.before else (True,):
            if last and case.before:
                await asyncio.sleep(1.1)  # a real peer punches at one random NAT a second here
                hand.active = True
            await real("notes")
            started = loop.time()
            conversation = ours.begin(key_pair(seed).public_key, ConnectOptions(
                fast_open=case.fast_open, local_connection=False))  # fmt: skip
            problem = await _talk(conversation, case.patience)
        seconds = loop.time() - started
        await asyncio.sleep(SETTLING)
        notes = await real("notes")
        return Played(
            case,
            conversation.connection.attempt.hex(),
            target_of(key_pair(seed).public_key),
            tuple(notes),
            problem,
            None,
            seconds,
        )

    async def _as_server(self, case: Case, hand: Hand, ours: LivePeer, real: Driver) -> Played:
        pair = key_pair(self.network.random.randbytes(32))
        listener = await ours.listen(pair, ListenOptions(share_local_address=False))
        echoing = asyncio.create_task(_echo(listener))
        loop = asyncio.get_running_loop()
        await real("notes")
        started = loop.time()
        answer = await real("connect", name=case.name, key=pair.public_key.hex(), options={"fastOpen": case.fast_open})
        seconds = loop.time() - started
        await asyncio.sleep(SETTLING)
        echoing.cancel()
        attempts = [line.attempt.hex() for line in hand.keys]
        notes = await real("notes")
        attempt, target = attempts[-1] if attempts else "", target_of(pair.public_key)
        return Played(case, attempt, target, tuple(notes), "", answer["error"], seconds)

    def _stand_before(self, machine: Any) -> None:
        """Have the cases that are being played change what a relay sends and receives."""
        poll, receive, waiting = machine.poll_datagram, machine.receive_datagram, deque[Outgoing]()

        def changed(now: float) -> Outgoing | None:
            while not waiting:
                outgoing = poll(now)
                if outgoing is None:
                    return None
                sent = [outgoing]
                for case, hand in self._playing:
                    if case.relay is not None:
                        sent = [one for each in sent for one in case.relay(hand, each)]
                waiting.extend(sent)
            return waiting.popleft()

        def received(data: bytes, addr: Address, now: float, socket: int) -> None:
            for case, hand in self._playing:
                if case.relay_in is not None:
                    data = case.relay_in(hand, data)
            receive(data, addr, now, socket)

        machine.poll_datagram, machine.receive_datagram = changed, received


async def _talk(conversation: Conversation, patience: float) -> str:
    """Say something and wait for the echo; why that was not possible."""
    try:
        async with asyncio.timeout(patience):
            await conversation.opened()
            await conversation.send(b"peephole")
            await conversation.recv()
            conversation.end()
            await conversation.closed()
    except ConversationOver as over:
        return over.closing.text
    except TimeoutError:
        conversation.destroy()
        return f"given up after {patience:.0f} s"
    return ""


async def _echo(listener: Any) -> None:
    async with asyncio.TaskGroup() as group:

        async def serve(conversation: Conversation) -> None:
            try:
                while message := await conversation.recv():
                    await conversation.send(message)
                conversation.end()
            except ConversationOver:
                return

        async for conversation in listener:
            group.create_task(serve(conversation))


@asynccontextmanager
async def a_world(seed: int = 3, nodes: int = 14) -> AsyncIterator[World]:
    """A network that is watched."""
    tap = Tap("wire")
    async with EmbeddedNetwork(seed=seed, nodes=nodes, tap=tap.take) as network:
        yield World(network, tap)


def real_peers() -> Any:
    """A process for real peers."""
    return real_nodes("forgery_driver.cjs")


def flow_of(story: Story, played: Played) -> Flow | None:
    """The attempt in the capture."""
    named = (
        flow for flow in story.flows if (flow.id == played.attempt if played.attempt else flow.target == played.target)
    )
    return next(named, None)
