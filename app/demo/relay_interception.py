"""The relays of the embedded network with an interceptor each, shown and worked as one.

A message gets a number of its own among those of all relays. Rules and expression are the same at each of them.

What such a relay sends is told by its own shell in place of its wire, and what it receives was told when it was sent:
so each datagram is one packet, and what was done to it is kept with that.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice, repeat
from typing import TYPE_CHECKING, Final

from app.hand.interception import LiveInterception
from app.hand.rules import NO_INTERCEPTING, Intercepting
from app.intercept_status import HeldMessage, InterceptError, InterceptStatus, Preset, TouchedMessage
from protocol.address import Address
from protocol.udp_machine import Tapped

if TYPE_CHECKING:
    from app.demo.loopback_network import Loopback
    from capture.capture_file import CaptureFile
    from capture.tap import Tap
    from protocol.editing.values import Draft

REMEMBERED: Final = 8192
"""Datagrams on their way to a relay whose packets are remembered."""
LISTED: Final = 500
"""Touched datagrams that are shown."""
_Datagram = tuple[Address, Address, bytes]


class RelayPackets:
    """Finds the packet of a datagram for the interceptors, and keeps their datagrams from being told twice.

    Args:
        tap: where all packets go.
    """

    def __init__(self, tap: Tap) -> None:
        self.file: CaptureFile = tap.file
        self.loopback: Loopback | None = None
        self._tap = tap
        self._hosts: set[str] = set()
        self._frames: OrderedDict[_Datagram, int] = OrderedDict()

    def add(self, host: str) -> None:
        """A host whose shell tells what it sends."""
        self._hosts.add(host)

    def wire(self, seen: Tapped) -> None:
        """Take what a wire tells."""
        if not (seen.outgoing and seen.local.host in self._hosts):
            self._remember(seen, self._tap.take(seen))

    def take(self, seen: Tapped) -> int | None:
        """Take what the shell of a relay tells; the number of the packet, None where it can't be known."""
        if not seen.outgoing:
            return self._frames.get((seen.remote, seen.local, seen.data))
        if self.loopback is None or self.loopback.sky.is_down(seen.local.host):
            return None  # it never leaves
        seen = seen._replace(time_ns=self.loopback.time_ns())
        frame = self._tap.take(seen)
        self._remember(seen, frame)
        return frame

    def _remember(self, seen: Tapped, frame: int | None) -> None:
        if frame is None or seen.remote.host not in self._hosts or seen.data[:1] not in (b"\x03", b"\x13"):
            return
        key = (seen.local, seen.remote, seen.data)
        self._frames[key] = frame
        self._frames.move_to_end(key)
        if len(self._frames) > REMEMBERED:
            self._frames.popitem(last=False)


class RelayInterception:
    """See `app.intercept_status.Interception`; its methods do what is said there, at the relay that a message is at.

    Args:
        packets: of the network.
        wanted: what each relay does from the start.
    """

    def __init__(self, packets: RelayPackets, wanted: Intercepting = NO_INTERCEPTING) -> None:
        self.packets = packets
        self._wanted = wanted
        self._parts: list[LiveInterception] = []

    def add(self, host: str, clock: Callable[[], float]) -> LiveInterception:
        """One more relay, before it runs."""
        self.packets.add(host)
        part = LiveInterception(self.packets, self._wanted.rules, self._wanted.expression, clock)
        self._parts.append(part)
        return part

    @property
    def presets(self) -> tuple[Preset, ...]:
        """What `add_preset` knows."""
        return self._parts[0].presets if self._parts else ()

    @property
    def holding(self) -> int:
        """How many messages are held."""
        return sum(part.holding for part in self._parts)

    def held(self) -> tuple[HeldMessage, ...]:
        """Those of all relays, in groups, that of the message held longest first."""
        found = [(at, part.held()) for at, part in enumerate(self._parts) if part.holding]
        groups = [[self._named(one, at) for one in held] for at, held in found if held]
        groups.sort(key=lambda group: -max(one.age for one in group))
        return tuple(one for group in groups for one in group)

    def status(self) -> InterceptStatus | None:
        """All relays in one."""
        found = [part.status() for part in self._parts]
        known = [(at, one) for at, one in enumerate(found) if one is not None]
        if not known:
            return None
        first = known[0][1]
        newest = heapq.merge(*(zip(one.touched, repeat(at)) for at, one in known), key=lambda gone: -gone[0].at)
        rules = [
            replace(rule, hits=sum(one.rules[index].hits for _, one in known if index < len(one.rules)))
            for index, rule in enumerate(first.rules)
        ]
        return InterceptStatus(
            first.on,
            first.expression,
            self.held(),
            tuple(self._went(*gone) for gone in islice(newest, LISTED)),
            tuple(rules),
            sum(one.passed for _, one in known),
            first.now,
            sum(one.overflowed for _, one in known),
        )

    async def intercept(self, expression: str, *, on: bool) -> None:
        """At every relay."""
        for part in self._running():
            await part.intercept(expression, on=on)

    async def forward(self, number: int) -> None:
        """At its relay."""
        part, own = self._at(number)
        await part.forward(own)

    async def forward_all(self) -> int:
        """At every relay; how many there were."""
        return sum([await part.forward_all() for part in self._running()])

    async def drop(self, number: int) -> None:
        """At its relay."""
        part, own = self._at(number)
        await part.drop(own)

    async def duplicate(self, number: int) -> None:
        """At its relay."""
        part, own = self._at(number)
        await part.duplicate(own)

    async def delay(self, number: int, seconds: float) -> None:
        """At its relay."""
        part, own = self._at(number)
        await part.delay(own, seconds)

    async def edit(self, number: int, draft: Draft) -> None:
        """At its relay."""
        part, own = self._at(number)
        await part.edit(own, draft)

    async def move(self, number: int, before: int | None) -> None:
        """Among those of its relay."""
        part, own = self._at(number)
        if before is None:
            await part.move(own, None)
            return
        other, place = self._at(before)
        if other is not part:
            raise InterceptError("those two are at different relays: each has an order of its own")
        await part.move(own, place)

    async def replay(self, key: int) -> None:
        """At its relay."""
        part, own = self._at(key)
        await part.replay(own)

    async def use_rule(self, index: int, *, on: bool) -> None:
        """At every relay."""
        for part in self._running():
            await part.use_rule(index, on=on)

    async def remove_rule(self, index: int) -> None:
        """At every relay."""
        for part in self._running():
            await part.remove_rule(index)

    async def add_preset(self, name: str) -> None:
        """At every relay."""
        for part in self._running():
            await part.add_preset(name)

    def _running(self) -> Iterable[LiveInterception]:
        if not self._parts:
            raise InterceptError("no relay runs")
        return tuple(self._parts)

    def _at(self, number: int) -> tuple[LiveInterception, int]:
        """The relay that a number is of, and its number there."""
        if not self._parts:
            raise InterceptError("no relay runs")
        own, at = divmod(number, len(self._parts))
        return self._parts[at], own

    def _named(self, held: HeldMessage, at: int) -> HeldMessage:
        return replace(held, number=held.number * len(self._parts) + at)

    def _went(self, gone: TouchedMessage, at: int) -> TouchedMessage:
        count = len(self._parts)
        return replace(gone, number=gone.number * count + at, key=gone.key * count + at)
