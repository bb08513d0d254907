"""Keeping a key pair announced while a node runs, and taking it back at the end."""

from __future__ import annotations

import asyncio
from typing import Final

from app.node_status import Announcement, Relay
from protocol.dht.node import Node
from protocol.dht.operations import announce, unannounce
from protocol.hashes import target_of
from protocol.keys import KeyPair
from protocol.messages import Address
from protocol.udp_shell import UdpShell

REFRESH: Final = 300.0
"""Seconds until it is announced again; who holds it forgets it after 20 minutes."""
RETRY: Final = 15.0
"""Seconds until it is tried again where nobody took it."""


class Announcing:
    """Announces a key pair at the nodes closest to its hash, again and again.

    Args:
        shell: the node that announces.
        pair: the keys.
    """

    def __init__(self, shell: UdpShell[Node], pair: KeyPair) -> None:
        self.relays: tuple[Address, ...] = ()
        """The nodes that took the announcement."""
        self.tried = asyncio.Event()
        """Set once the first attempt has ended."""
        self._shell = shell
        self._pair = pair
        self._task: asyncio.Task[None] | None = None
        self._state = "not announced yet"
        self._next: float | None = None

    def start(self) -> None:
        """Announce as soon as the node is bootstrapped."""
        self._task = asyncio.create_task(self._keep())

    def cancel(self) -> None:
        """Announce no more, and leave what is announced to be forgotten."""
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """Take the announcement back, wherever it is found."""
        self.cancel()
        if self.relays:
            self._state = "unannouncing"
            await self._shell.run(unannounce, target_of(self._pair.public_key), self._pair)
            self.relays = ()
        self._state = "not announced"

    def status(self, now: float) -> Announcement:
        """How it is now."""
        relays = tuple(Relay(address) for address in self.relays)
        return Announcement(
            self._pair.public_key, self._state, relays, None if self._next is None else self._next - now
        )

    async def _keep(self) -> None:
        await self._shell.bootstrapped()
        while True:
            self._state = "announcing" if not self.relays else "announced"
            result = await self._shell.run(announce, target_of(self._pair.public_key), self._pair)
            self.relays = tuple(reply.sender.address for reply in result.commits if not reply.error)
            self._state = "announced" if self.relays else f"not announced: {result.failure}"
            self.tried.set()
            pause = REFRESH if self.relays else RETRY
            self._next = self._shell.now + pause
            await asyncio.sleep(pause)
