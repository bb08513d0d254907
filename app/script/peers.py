"""Clients, servers and proxies of a script."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.script.attempts import ScriptAttempt, serve_echo
from app.script.expectations import PATIENCE, ExpectationFailed, patience
from app.script.steps_in_hand import StepInHand
from protocol.keys import KeyFormatError, parse_server_address
from protocol.peer.options import ConnectOptions, ProxyUse
from protocol.peer.steps import Act

if TYPE_CHECKING:
    from protocol.messages import Address
    from protocol.peer.desk import Desk
    from protocol.peer.live import Listener, LivePeer
    from protocol.proxy.host import ProxyHost

Named = Act | str
"""A step, or its name in any case."""


class ScriptPeer:
    """A peer of ours whose steps can be taken by hand.

    Args:
        live: runs it.
        desk: its gate.
        name: what it is called in messages.
    """

    def __init__(self, live: LivePeer, desk: Desk, name: str) -> None:
        self.live = live
        """What it is made of, for what is not here."""
        self.name = name
        self._desk = desk
        self._changed = asyncio.Event()
        self._given: set[int] = set()
        desk.on_change = self._changed.set

    @property
    def public_key(self) -> bytes:
        """Its own key, 32 bytes."""
        return self.live.peer.key_pair.public_key

    @property
    def address(self) -> Address:
        """Its server socket, as it is bound."""
        return self.live.shell.address(1)

    def by_hand(self, *acts: Named) -> None:
        """From here on these steps wait for `next`; all of them, where none is named."""
        for act in map(act_of, acts) if acts else Act:
            self._desk.take_in_hand(act)

    def by_itself(self, *acts: Named) -> None:
        """From here on these steps go at once, and those that wait go now; all of them, where none is named."""
        for act in map(act_of, acts) if acts else Act:
            self.live.shell.act(lambda _, now, act=act: self._desk.run_by_itself(now, act))  # type: ignore[misc]

    async def next(self, *acts: Named, within: float = PATIENCE) -> StepInHand:
        """Wait for the next step of one of these kinds, of any kind where none is named; each is given once.

        Raises:
            ExpectationFailed: none came in time, or one of these kinds goes by itself.
        """
        wanted = {act_of(act) for act in acts} or set(Act)
        idle = wanted - self._desk.by_hand if acts else set()
        if idle:
            names = ", ".join(sorted(act.name for act in idle))
            raise ExpectationFailed(f"{names} of the {self.name} would never wait: name it in by_hand")
        async with patience(within, lambda: self._what(wanted)):
            while True:
                for held in self._desk.held:
                    if held.number not in self._given and held.came.act in wanted:
                        self._given.add(held.number)
                        return StepInHand(self._desk, self.live.shell, held)
                self._changed.clear()
                await self._changed.wait()

    @property
    def went(self) -> tuple[str, ...]:
        """What became of each step that does not wait any more, as ``PROBE sent``."""
        return tuple(f"{done.came.act.name} {done.fate}" for done in self._desk.done)

    def _what(self, wanted: Iterable[Act]) -> str:
        names = " or ".join(sorted(act.name for act in wanted)) if wanted != set(Act) else "any step"
        waiting = ", ".join(held.came.act.name for held in self._desk.held) or "nothing"
        return f"{names} of the {self.name}; waiting: {waiting}; done: {', '.join(self.went[-6:]) or 'nothing'}"


class ScriptClient(ScriptPeer):
    """A client."""

    def connect(
        self,
        server: ScriptServer | str | bytes,
        *,
        fast_open: bool = True,
        local_connection: bool = False,
        relays: Iterable[Address] = (),
        relay_through: Iterable[bytes] = (),
        proxy: ScriptProxy | bytes | None = None,
        after_probe: bool = False,
    ) -> ScriptAttempt:
        """Begin to connect; the attempt says how it goes.

        Args:
            server: one of the script, or a key: 32 bytes, hex, z32, or a hyperdht address.
            fast_open: whether a first punch goes along with the first round.
            local_connection: whether to share addresses of local networks.
            relays: nodes to try first.
            relay_through: public keys of blind relays.
            proxy: who punches in our place, or its public key.
            after_probe: whether we probe ourselves, and it only punches.

        Raises:
            ExpectationFailed: the key is none.
        """
        public_key, nodes = _key_of(server)
        use = proxy.public_key if isinstance(proxy, ScriptProxy) else proxy
        options = ConnectOptions(
            relay_addresses=(*nodes, *relays),
            fast_open=fast_open,
            local_connection=local_connection,
            relay_through=tuple(relay_through),
            proxy=None if use is None else ProxyUse(use, after_probe=after_probe),
        )
        return ScriptAttempt(self.live.begin(public_key, options))


class ScriptServer(ScriptPeer):
    """A server that listens on its own key, and by default sends back what clients say."""

    def __init__(self, live: LivePeer, desk: Desk, name: str, listener: Listener, *, echo: bool) -> None:
        super().__init__(live, desk, name)
        self.listener = listener
        self._accepted: asyncio.Queue[ScriptAttempt] = asyncio.Queue()
        self._tasks = {asyncio.create_task(self._accept(echo))}

    @property
    def public_key(self) -> bytes:
        """What clients connect to, 32 bytes."""
        return self.listener.public_key

    @property
    def relays(self) -> tuple[Address, ...]:
        """Nodes that hold its announcement."""
        return tuple(relay.relay_address for relay in self.listener.server.announcer.relays)

    async def accepted(self, within: float = PATIENCE) -> ScriptAttempt:
        """The next connection that a client opened.

        Raises:
            ExpectationFailed: none came in time.
        """
        async with patience(within, lambda: "a client to connect"):
            return await self._accepted.get()

    async def _accept(self, echo: bool) -> None:
        async for conversation in self.listener:
            self._accepted.put_nowait(ScriptAttempt(conversation))
            if echo:
                task = asyncio.create_task(serve_echo(conversation))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Answer nobody any more."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class ScriptProxy(ScriptPeer):
    """A proxy: punches for others, and passes their streams on."""

    def __init__(self, live: LivePeer, desk: Desk, name: str, host: ProxyHost) -> None:
        super().__init__(live, desk, name)
        self.host = host

    @property
    def public_key(self) -> bytes:
        """What others name when they use it."""
        return self.host.server.public_key

    @property
    def connected(self) -> int:
        """For how many attempts it got through."""
        return self.host.connected


def act_of(act: Named) -> Act:
    """A step by its name.

    Raises:
        ExpectationFailed: there is none.
    """
    if isinstance(act, Act):
        return act
    found = Act.__members__.get(act.upper())
    if found is None:
        raise ExpectationFailed(f"{act!r} is no step; steps are {', '.join(Act.__members__)}")
    return found


def _key_of(server: ScriptServer | str | bytes) -> tuple[bytes, tuple[Address, ...]]:
    if isinstance(server, ScriptServer):
        return server.public_key, ()
    if isinstance(server, bytes):
        return server, ()
    try:
        parsed = parse_server_address(server)
    except KeyFormatError as error:
        raise ExpectationFailed(f"the server's key: {error}") from None
    return parsed.public_key, parsed.nodes
