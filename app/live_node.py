"""A node of our own while it runs: the machine, its sockets, the tap that feeds the packet table, and its status.

Everything but `Tap.collect` happens in the event loop that `start` was called in, and nothing there waits: a story is
brought up to date by whoever shows it, in a thread.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from app.exit_status import CommandError, ExitStatus
from app.node_announcing import Announcing
from app.node_status import NodeStatus, TableRow, Timer
from app.wording import counted
from capture.tap import Tap
from protocol.constants import Command, InternalCommand
from protocol.dht.bootstrap import BootstrapNode
from protocol.dht.contact import NodeSocket
from protocol.dht.events import Event
from protocol.dht.flight_table import InFlight
from protocol.dht.health import Health
from protocol.dht.membership import TICK
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.dht.routing_table import BITS, distance
from protocol.keys import KeyPair
from protocol.nat import classify
from protocol.udp_shell import UdpShell

EVENTS: Final = 1000
"""Most that are kept for whoever asks."""
FAREWELL: Final = 5.0
"""Seconds that taking back an announcement may last."""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """What the user wants of a node."""

    bootstrap: tuple[BootstrapNode, ...]
    host: str = "0.0.0.0"
    port: int = 0
    """First port to try, 0 for any."""
    pair: KeyPair | None = None
    announce: bool = False
    """Whether to announce the key pair."""
    ephemeral: bool | None = None


class LiveNode:
    """Runs one node; see `app.node_status.RunningNode`.

    Args:
        settings: what is wanted.
        tap: takes every datagram that the node sends and receives.
    """

    def __init__(self, settings: NodeSettings, tap: Tap) -> None:
        self.tap = tap
        self._events: deque[Event] = deque(maxlen=EVENTS)
        self._settings = settings
        self._shell: UdpShell[Node] | None = None
        self._announcing: Announcing | None = None
        self._started = 0.0
        self._stopping: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """What it is called on screen."""
        return self.tap.file.path

    async def start(self) -> None:
        """Bind sockets, begin to bootstrap, and announce once that is done.

        Raises:
            CommandError: no socket could be bound.
        """
        settings = self._settings
        options = NodeOptions(bootstrap=settings.bootstrap, ephemeral=settings.ephemeral)
        try:
            shell = await UdpShell.open(
                options, host=settings.host, port=settings.port, on_event=self._told, tap=self.tap.take
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise CommandError(ExitStatus.USAGE, f"no socket can be bound to {settings.host}: {reason}") from None
        self._shell = shell
        self._started = shell.now
        if settings.announce and settings.pair is not None:
            self._announcing = Announcing(shell, settings.pair)
            self._announcing.start()

    def take_events(self) -> list[Event]:
        """What the node told since the last call, oldest first; of very much, the latest."""
        events = list(self._events)
        self._events.clear()
        return events

    @property
    def farewell(self) -> str:
        """What `stop` has to wait for; empty where it ends at once."""
        return "" if self._announcing is None or not self._announcing.relays else "unannouncing"

    async def settled(self) -> None:
        """Wait until it has bootstrapped and, if it is to announce, has tried to."""
        if self._shell is not None:
            await self._shell.bootstrapped()
        if self._announcing is not None:
            await self._announcing.tried.wait()

    async def stop(self) -> None:
        """Take back the announcement, within `FAREWELL`, and close. May be called again, and while it goes on."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        await asyncio.shield(self._stopping)

    async def close_now(self) -> None:
        """Close without telling anybody."""
        if self._stopping is not None:
            self._stopping.cancel()
        if self._announcing is not None:
            self._announcing.cancel()
        if self._shell is not None:
            await self._shell.close()
            self._shell = None

    async def _stop(self) -> None:
        if self._announcing is not None:
            try:
                async with asyncio.timeout(FAREWELL):
                    await self._announcing.stop()
            except TimeoutError:  # who holds it forgets it by itself, after 20 minutes
                self._announcing.cancel()
        if self._shell is not None:
            await self._shell.close()
            self._shell = None

    def status(self) -> NodeStatus | None:
        """How the node is now; None before it has started and after it has ended."""
        shell = self._shell
        if shell is None:
            return None
        node, now = shell.machine, shell.now
        reachability, rows = node.reachability, _rows(node)
        samples = [(row.sees_us, row.address) for row in rows if row.sees_us is not None]
        nat = classify(samples, firewalled=reachability.firewalled)
        seen = reachability.nat
        due = node.next_timeout()
        return NodeStatus(
            server=shell.address(NodeSocket.SERVER),
            client=shell.address(NodeSocket.CLIENT),
            id=node.id,
            seen_at=None if seen.host is None else (seen.host, seen.port),
            samples=seen.size,
            firewall=nat.firewall,
            firewall_rule=nat.rule,
            firewalled=reachability.firewalled,
            ephemeral=reachability.ephemeral,
            bootstrapped=node.bootstrapped,
            health=node.health,
            age=now - self._started,
            bootstrap=tuple(f"{one.host}:{one.port}" for one in self._settings.bootstrap),
            rows=rows,
            timers=request_timers(node, now),
            next_timeout=None if due is None else due - now,
            announcements=() if self._announcing is None else (self._announcing.status(now),),
            refused=tuple(node.refused.most_common()),
            counts=_counts(node, shell.errors),
            trouble=self._trouble(node),
        )

    def _told(self, event: Event) -> None:
        self._events.append(event)

    def _trouble(self, node: Node) -> str:
        asked = self._settings.bootstrap
        if node.bootstrapped and not len(node.membership) and not node.requests.counts.responses:
            names = ", ".join(f"{one.host}:{one.port}" for one in asked)
            return (
                f"Nobody answered: {counted(len(asked), 'bootstrap node')} asked ({names}). "
                "Is the network up, and do they run?"
            )
        if node.health is Health.OFFLINE:
            return "Nobody answers any more: this machine is offline, or the network is gone."
        return ""


def request_timers(node: Node, now: float) -> tuple[Timer, ...]:
    """A countdown for each request that waits for its answer, the nearest first."""
    found = [_timer(flight, now) for flight in node.requests.flights]
    return tuple(sorted(found, key=lambda timer: timer.due))


def _timer(flight: InFlight, now: float) -> Timer:
    ask = flight.ask
    kind = InternalCommand if ask.internal else Command
    try:
        name = kind(ask.command).name
    except ValueError:
        name = f"COMMAND({ask.command})"
    sends = flight.retries + 1
    if flight.sent == 0:
        what = f"{name} waits for room in the congestion window"
    elif flight.sent < sends:
        what = f"{name} is sent again ({flight.sent + 1} of {sends})"
    else:
        what = f"{name} is given up (sent {sends} times)"
    due = -1.0 if flight.deadline is None else max(0.0, flight.deadline - now)
    return Timer(due, what, flight.to.address, flight.tid)


def _rows(node: Node) -> tuple[TableRow, ...]:
    """The routing table, nearest nodes last, as its rows are numbered."""
    table, tick = node.membership.table, node.membership.tick
    found = [
        TableRow(
            one.id,
            one.address,
            one.to,
            min(BITS - distance(one.id, table.id).bit_length(), BITS - 1),
            (tick - one.added) * TICK,
            (tick - one.seen) * TICK,
            one.down_hints,
        )
        for one in table
    ]
    return tuple(sorted(found, key=lambda row: (row.row, row.id)))


def _counts(node: Node, errors: int) -> tuple[tuple[str, int], ...]:
    counts = node.requests.counts
    return (
        ("requests sent", counts.total),
        ("answered", counts.responses),
        ("sent again", counts.retries),
        ("given up", counts.timeouts),
        ("waiting for an answer", node.requests.in_flight),
        ("searches under way", node.searches.active),
        ("peers that others announced here", len(node.announcements)),
        ("peers reached through this node", len(node.routes)),
        ("datagrams that the system did not send", errors),
    )
