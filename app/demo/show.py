"""The demo as a whole: an embedded network, a director that keeps it busy, and the packets in a packet table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType

from app.demo.director import PAUSE, Director, OnAttempt
from app.demo.embedded_network import NODES, EmbeddedNetwork
from app.demo.relay_interception import RelayInterception, RelayPackets
from app.demo.scenes import SCENES, Scene
from app.demo.weather import FAIR, Weather
from app.hand.rules import Intercepting
from capture.tap import Tap
from protocol.noise_handshake import KeyLine


def ignore(_: object) -> None:
    """Nobody wants to know."""


class Demo:
    """Runs in the asyncio loop of the block that it is used in; `tap` is what a screen or a report reads from.

    Args:
        seed: of addresses, ports, keys, weather and the order of scenes.
        nodes: how many nodes the DHT has.
        weather: of all paths.
        scenes: what is played.
        pause: seconds between the beginnings of two scenes.
        on_attempt: told of each attempt when it is over for its application.
        on_key: gets key log lines of every attempt.
        intercepted: what is done to what passes the nodes of the DHT, which then can be held; None: nothing can.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        nodes: int = NODES,
        weather: Weather = FAIR,
        scenes: tuple[Scene, ...] = SCENES,
        pause: float = PAUSE,
        on_attempt: OnAttempt = ignore,
        on_key: Callable[[KeyLine], None] = ignore,
        intercepted: Intercepting | None = None,
    ) -> None:
        self.tap = Tap("demo")
        packets = RelayPackets(self.tap)
        self.interception = None if intercepted is None else RelayInterception(packets, intercepted)
        self.network = EmbeddedNetwork(
            seed=seed, nodes=nodes, weather=weather, tap=packets.wire, interception=self.interception
        )
        self.director = Director(
            self.network, seed=seed, on_attempt=on_attempt, on_key=on_key, scenes=scenes, pause=pause
        )
        self.playing: asyncio.Task[None] | None = None
        """The director at work: ends by itself only with an exception."""
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Demo:
        """Start the network, wait until it has bootstrapped, and let the director begin.

        Raises:
            NoLoopbackError: this system has not the addresses.
            TooFewFilesError: nor the sockets.
            OSError: a socket can't be opened.
        """
        await self._stack.enter_async_context(self.network)
        self.playing = asyncio.create_task(self.director.run())
        self._stack.push_async_callback(self._stop, self.playing)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _stop(self, playing: asyncio.Task[None]) -> None:
        playing.cancel()
        await asyncio.wait((playing,))
