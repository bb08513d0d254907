"""The stage of one scene: its peers on their hosts, and the trouble that it calls for."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from random import Random
from types import TracebackType
from typing import Final

from app.demo.actor import Actor, Ending, Host, OnKey
from app.demo.embedded_network import EmbeddedNetwork
from app.demo.loopback_network import PublicHost
from app.demo.nat_host import NattedLan
from app.demo.places import CONSISTENT
from app.demo.scenes import Scene, Trouble
from protocol.hashes import target_of
from protocol.keys import key_pair
from protocol.nat_box import NatKind
from protocol.peer.options import ConnectOptions, ListenOptions
from protocol.peer.steps import Act, HolepunchStep, Release, Step

HEAD_START: Final = 0.5
"""Seconds by which another client is earlier, where a server is to be busy."""
_DIES_AT: Final = {Trouble.RELAY_DIES_BEFORE_PROBE: Act.PROBE, Trouble.RELAY_DIES_BEFORE_PUNCH: Act.PUNCH}


class Stage:
    """Peers of one scene; closed when the block that it is used in ends."""

    def __init__(self, network: EmbeddedNetwork, scene: Scene, random: Random, on_key: OnKey) -> None:
        self.scene = scene
        self.client: Actor
        self.server: Actor
        self._network = network
        self._on_key = on_key
        self._pair = key_pair(random.randbytes(32))
        self._relay_pair = key_pair(random.randbytes(32))
        self._trouble = scene.trouble
        self._lans: list[NattedLan] = []
        self._public: list[PublicHost] = []
        self._down: list[str] = []
        self._stack = AsyncExitStack()

    @property
    def target(self) -> bytes:
        """Where in the DHT the server announces itself."""
        return target_of(self._pair.public_key)

    async def __aenter__(self) -> Stage:
        try:
            await self._set()
        except BaseException:
            await self._clear()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._clear()

    async def meet(self) -> Ending:
        """Let the client connect, with whatever goes wrong."""
        options = ConnectOptions(
            fast_open=self.scene.fast_open,
            holepunch=lambda *_: self._trouble is not Trouble.CLIENT_DECLINES,
            relay_through=(self._relay_pair.public_key,) if self.scene.relayed else (),
        )
        if self._trouble is Trouble.SERVER_BUSY:
            other = await self._actor(self._host(CONSISTENT))
            early = asyncio.create_task(other.connect(self._pair.public_key, ConnectOptions()))
            try:
                await asyncio.sleep(HEAD_START)
                ending = await self.client.connect(self._pair.public_key, options)
                await early
            finally:
                early.cancel()
            return ending
        return await self.client.connect(self._pair.public_key, options)

    async def mend(self) -> None:
        """End the trouble."""
        self._trouble = Trouble.NONE
        self._calm()

    async def _set(self) -> None:
        scene = self.scene
        server_host = self._host(scene.server)
        client_host = self._network.places.host(self._lans[0]) if scene.same_nat else self._host(scene.client)
        if scene.relayed:
            relay = await self._actor(self._host(None), relays=True)
            await relay.listen(self._relay_pair, ListenOptions())
        self.server = await self._actor(server_host)
        self.client = await self._actor(client_host, gated=True)
        await self.server.listen(
            self._pair,
            ListenOptions(
                firewall=lambda *_: self._trouble is Trouble.SERVER_REJECTS,
                holepunch=lambda *_: self._trouble is not Trouble.SERVER_DECLINES,
            ),
        )
        sky = self._network.loopback.sky
        if self._trouble is Trouble.PATH_BLOCKED:
            sky.block(self.client.public_host, self.server.public_host)
        elif self._trouble is Trouble.SERVER_GONE:
            self._take_down(self.server.public_host)
        elif self._trouble is Trouble.SERVER_LEFT:
            await self.server.leave()

    def _host(self, kind: NatKind | None) -> Host:
        if kind is None:
            public = self._network.places.public_host()
            self._public.append(public)
            return public
        lan = self._network.places.lan(kind)
        self._lans.append(lan)
        return self._network.places.host(lan)

    async def _actor(self, host: Host, *, gated: bool = False, relays: bool = False) -> Actor:
        actor = await Actor.open(
            self._network, host, on_key=self._on_key, gate=self._gate if gated else None, relays=relays
        )
        self._stack.push_async_callback(actor.close)
        return actor

    def _gate(self, step: Step, release: Release, now: float) -> None:
        """Stands between the client and the network: the relay that it is about to ask may die."""
        dies_at = _DIES_AT.get(self._trouble)
        if dies_at is not None and isinstance(step, HolepunchStep) and step.act is dies_at and step.relay is not None:
            self._take_down(step.relay.host)
        release(step, now)

    def _take_down(self, host: str) -> None:
        self._network.loopback.sky.take_down(host)
        self._down.append(host)

    def _calm(self) -> None:
        sky = self._network.loopback.sky
        for host in self._down:
            sky.bring_up(host)
        self._down.clear()
        if self.scene.trouble is Trouble.PATH_BLOCKED:
            sky.unblock(self.client.public_host, self.server.public_host)

    async def _clear(self) -> None:
        try:
            self._calm()
        finally:
            await self._stack.aclose()
            for lan in self._lans:
                self._network.places.give_up(lan)
            for host in self._public:
                self._network.places.give_up(host)
