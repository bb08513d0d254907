"""Keeps things happening in the embedded network: scene after scene, in an order that the seed gives.

Every scene has peers, NATs and keys of its own, which are gone when it is over, so that nothing piles up however long
the demo runs. When all scenes were played they are shuffled and played again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from app.demo.actor import Ending, OnKey
from app.demo.embedded_network import EmbeddedNetwork
from app.demo.scenes import SCENES, Scene
from app.demo.stage import Stage
from capture.model import VerdictCode

PAUSE: Final = 2.0
"""Seconds between the beginnings of two scenes."""
AT_ONCE: Final = 2
"""Scenes that may overlap."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to connect, as it went for its application, and what its packets should say."""

    number: int
    scene: Scene
    again: bool
    """The second meeting, after the trouble was over."""
    target: bytes
    """Hash of the server's public key."""
    client_host: str
    """The client as others see it."""
    started_ns: int
    ended_ns: int
    wanted: frozenset[VerdictCode]
    ending: Ending


OnAttempt = Callable[[Attempt], None]


class Director:
    """Plays scenes until it is cancelled.

    Args:
        network: where.
        seed: of the order, and of keys.
        on_attempt: told of each attempt once it is over for its application.
        on_key: gets key log lines of every attempt.
        scenes: what is played.
        pause: seconds between the beginnings of two scenes.
    """

    def __init__(
        self,
        network: EmbeddedNetwork,
        *,
        seed: int,
        on_attempt: OnAttempt,
        on_key: OnKey,
        scenes: tuple[Scene, ...] = SCENES,
        pause: float = PAUSE,
    ) -> None:
        self.played = 0
        """Scenes that are over."""
        self.playing: list[Scene] = []
        """Scenes that are under way, the oldest first."""
        self._network = network
        self._random = Random(seed)
        self._on_attempt = on_attempt
        self._on_key = on_key
        self._scenes = scenes
        self._pause = pause
        self._attempts = 0
        self._finishing = asyncio.Event()

    def finish(self) -> None:
        """Begin no more scenes; `run` ends when those under way are over."""
        self._finishing.set()

    async def run(self, rounds: int | None = None) -> None:
        """Play on until `finish`, or so many times through all scenes; ends what is under way when it is cancelled.

        Raises:
            ExceptionGroup: a scene could not be played, as when the process has no more sockets.
        """
        places = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            done = 0
            while rounds is None or done < rounds:
                done += 1
                for scene in self._random.sample(self._scenes, len(self._scenes)):
                    await places.acquire()
                    if self._finishing.is_set():
                        return
                    group.create_task(self.play(scene)).add_done_callback(lambda _: places.release())
                    await asyncio.sleep(self._pause)

    async def play(self, scene: Scene) -> None:
        """Play one scene."""
        seed = self._random.getrandbits(64)
        self.playing.append(scene)
        try:
            await self._play(scene, seed)
        finally:
            self.playing.remove(scene)
        self.played += 1

    async def _play(self, scene: Scene, seed: int) -> None:
        async with Stage(self._network, scene, Random(seed), self._on_key) as stage:
            await self._meet(stage, scene.fits, again=False)
            if scene.then is not None:
                await stage.mend()
                await self._meet(stage, frozenset({scene.then}), again=True)

    async def _meet(self, stage: Stage, wanted: frozenset[VerdictCode], *, again: bool) -> None:
        now = self._network.loopback.time_ns
        started = now()
        self._attempts += 1
        number = self._attempts
        ending = await stage.meet()
        self._on_attempt(
            Attempt(number, stage.scene, again, stage.target, stage.client.public_host, started, now(), wanted, ending)
        )
