"""A machine around another one: every datagram passes a judge on its way in or out, and may be stopped there.

It has no clock and no sockets of its own, and what runs it does not see the difference (`protocol.udp_machine`).

| while | a datagram that is to be held, delayed, reordered |
|---|---|
| running | waits; all others go past it |
| more wait than there is room for | the one held longest, or due first, goes as it is: `Fate.OVERTAKEN` |
| suspending or closing | goes nowhere, and so does all that waited: `Fate.ABANDONED` |
| closed | the farewells of the machine go at once: only `Drop`, `Edit` and `Redirect` still count |
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from protocol.dht.contact import Outgoing
from protocol.dht.events import Event
from protocol.intercept.rulings import Plan, planned
from protocol.intercept.values import (
    LET_PASS,
    Countdown,
    Direction,
    Fate,
    Held,
    Judge,
    NotHeldError,
    Passing,
    Touched,
)
from protocol.intercept.waiting import WaitingRoom, Way, is_sent
from protocol.messages import Address
from protocol.udp_machine import Machine

MOST_HELD: Final = 500
"""Datagrams that may be held at once; as many may wait for a time or for others."""
KEEP: Final = -1
"""A TTL that stays as it is."""

Timers = Callable[[Passing], tuple[Countdown, ...]]
Told = Callable[[Touched], None]


class Leaving(NamedTuple):
    """The datagram that `poll_datagram` gave last: as it came to be sent, and what was done to it."""

    passing: Passing
    touched: Touched | None


class Interceptor:
    """See the module.

    Args:
        machine: what is inside.
        judge: rules what happens to each datagram.
        on_touched: told of everything that is done to a datagram, at once.
        timers: the protocol's timers that run while a datagram is held.
        room: how many datagrams may be held.
    """

    def __init__(
        self,
        machine: Machine,
        judge: Judge,
        on_touched: Told | None = None,
        timers: Timers | None = None,
        room: int = MOST_HELD,
    ) -> None:
        self.machine = machine
        self.judge = judge
        self.counts: Counter[Fate] = Counter()
        """How many datagrams met which fate."""
        self.passed = 0
        """How many were looked at."""
        self.leaving: Leaving | None = None
        """What `poll_datagram` gave last."""
        self._on_touched = on_touched
        self._timers = timers
        self._room = room
        self._held: dict[int, Held] = {}
        self._ways: dict[int, Way] = {}
        """What holds for a held datagram when it goes."""
        self._waiting = WaitingRoom(room)
        self._out: deque[tuple[Outgoing, Leaving]] = deque()
        self._closed = False

    # What a shell calls.

    @property
    def local_addresses(self) -> tuple[Address, ...]:
        """Those of the machine inside."""
        return self.machine.local_addresses

    @local_addresses.setter
    def local_addresses(self, addresses: tuple[Address, ...]) -> None:
        self.machine.local_addresses = addresses

    def start(self, server_port: int, now: float) -> None:
        """Start the machine inside."""
        self.machine.start(server_port, now)

    def receive_datagram(self, data: bytes, addr: Address, now: float, socket: int) -> None:
        """Take in what a socket received."""
        self._take(Passing(self._number(), Direction.RECEIVED, addr, socket, None, data, now), now)

    def poll_datagram(self, now: float) -> Outgoing | None:
        """The next datagram to send; `leaving` says what it is."""
        while not self._out:
            outgoing = self.machine.poll_datagram(now)
            if outgoing is None:
                return None
            data, to, socket, ttl = outgoing
            self._take(Passing(self._number(), Direction.SENT, to, socket, ttl, data, now), now)
        outgoing, self.leaving = self._out.popleft()
        return outgoing

    def handle_timeout(self, now: float) -> None:
        """Let go what is due, and have the machine inside do what is due there."""
        for way in self._waiting.due(now):
            self._go(way, now)
        for held in self.held:
            if held.until is not None and held.until <= now:
                self._let_go(held.number, now, Fate.DELAYED)
        due = self.machine.next_timeout()
        if due is not None and due <= now:
            self.machine.handle_timeout(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` is due."""
        times = [self.machine.next_timeout(), self._waiting.next_due(), *(held.until for held in self._held.values())]
        return min((time for time in times if time is not None), default=None)

    def poll_event(self) -> Event | None:
        """The next thing that happened inside."""
        return self.machine.poll_event()

    def name_resolved(self, host: str, address: str | None, now: float) -> None:
        """Tell the machine inside."""
        self.machine.name_resolved(host, address, now)

    def socket_failed(self, socket: int, now: float) -> None:
        """Tell the machine inside."""
        self.machine.socket_failed(socket, now)

    def addresses_changed(self, addresses: tuple[Address, ...], now: float) -> None:
        """Tell the machine inside."""
        self.machine.addresses_changed(addresses, now)

    def suspend(self, now: float) -> None:
        """Abandon what waits, and suspend the machine inside."""
        self._abandon(now)
        self.machine.suspend(now)

    def resume(self, server_port: int, now: float) -> None:
        """Go on."""
        self.machine.resume(server_port, now)

    def close(self, now: float) -> None:
        """Abandon what waits, and close the machine inside."""
        self._abandon(now)
        self._closed = True
        self.machine.close(now)

    # What somebody who decides calls. All raise NotHeldError where nothing is held under the number.

    @property
    def held(self) -> tuple[Held, ...]:
        """What waits for somebody to decide, in the order in which `forward_all` lets it go."""
        return tuple(self._held.values())

    @property
    def waiting(self) -> int:
        """How many wait for a time, or for later datagrams."""
        return len(self._waiting)

    def forward(self, number: int, now: float) -> None:
        """Let one go as it is now."""
        self._let_go(number, now, None)

    def forward_all(self, now: float) -> int:
        """Let all go; how many there were."""
        numbers = tuple(self._held)
        for number in numbers:
            self.forward(number, now)
        return len(numbers)

    def edit(
        self, number: int, *, data: bytes | None = None, to: Address | None = None, ttl: int | None = KEEP
    ) -> Held:
        """Let one be another; what is not said stays. It goes on being held."""
        held = self._find(number)
        held = replace(
            held,
            data=held.data if data is None else data,
            to=held.to if to is None else to,
            ttl=held.ttl if ttl == KEEP else ttl,
        )
        self._held[number] = held
        return held

    def revert(self, number: int) -> Held:
        """Let one be as it came."""
        passing = self._find(number).passing
        return self.edit(number, data=passing.data, to=passing.remote, ttl=passing.ttl)

    def drop(self, number: int, now: float) -> None:
        """End one here."""
        self._tell(replace(self._take_out(number), rule=None), Fate.DROPPED, None, now)

    def delay(self, number: int, seconds: float, now: float) -> Held:
        """Let one go by itself later; until then everything can still be done with it."""
        self._held[number] = held = replace(self._find(number), until=now + max(seconds, 0.0))
        return held

    def hold(self, number: int) -> Held:
        """Take a `delay` back."""
        self._held[number] = held = replace(self._find(number), until=None)
        return held

    def duplicate(self, number: int, now: float) -> None:
        """Send a copy of one as it is now; it goes on being held."""
        self._find(number)
        self._send(replace(self._way(number).plain, rule=None), Fate.DUPLICATED, now)

    def move(self, number: int, before: int | None) -> None:
        """Put one before another in the order of `held`; None puts it last."""
        held = self._find(number)
        if before is not None:
            self._find(before)
        if before == number:
            return
        del self._held[number]
        order = list(self._held.values())
        at = len(order) if before is None else next(i for i, one in enumerate(order) if one.number == before)
        order.insert(at, held)
        self._held = {one.number: one for one in order}

    def replay(self, what: Touched | Passing, now: float) -> None:
        """Send once more what passed, as it went or, where it did not go, as it came."""
        if isinstance(what, Touched):
            data = what.passing.data if what.data is None else what.data
            way = Way(what.passing, data, what.to, what.ttl)
        else:
            way = Way(what, what.data, what.remote, what.ttl)
        self._send(way, Fate.REPLAYED, now)

    # Inside.

    def _number(self) -> int:
        self.passed += 1
        return self.passed

    def _take(self, passing: Passing, now: float) -> None:
        ruling = self.judge(passing)
        if ruling is LET_PASS and not self._waiting:
            self._pass(passing, now)
            return
        plan = planned(passing, ruling)
        if plan.failed:
            self._tell(plan.way, Fate.UNEDITED, plan.way.data, now, plan.failed)
        if plan.drop:
            self._tell(plan.way, Fate.DROPPED, None, now)
        elif self._closed:
            self._go(plan.way, now)
        else:
            self._stop_or_go(plan, now)
        for ready in self._waiting.passed(passing, ruling.groups):
            self._go(ready, now)

    def _pass(self, passing: Passing, now: float) -> None:
        """What happens to nearly all: nothing."""
        if passing.direction is Direction.SENT:
            outgoing = Outgoing(passing.data, passing.remote, passing.socket, passing.ttl)
            self._out.append((outgoing, Leaving(passing, None)))
        else:
            self.machine.receive_datagram(passing.data, passing.remote, now, passing.socket)

    def _stop_or_go(self, plan: Plan, now: float) -> None:
        way, overtaken = plan.way, None
        if plan.hold is not None:
            self._hold(way, plan.hold.label, now)
        elif plan.reorder is not None:
            due = now + plan.reorder.patience
            behind = replace(way, fate=Fate.REORDERED)
            overtaken = self._waiting.wait_behind(behind, plan.reorder.behind, plan.reorder.group, due)
        elif plan.delay:
            overtaken = self._waiting.wait(replace(way, fate=Fate.DELAYED), now + plan.delay)
        else:
            self._go(way, now)
        self._overtake(overtaken, now)

    def _hold(self, way: Way, label: str, now: float) -> None:
        passing = way.passing
        timers = () if self._timers is None else tuple(sorted(self._timers(passing), key=lambda one: one.due))
        held = Held(passing, way.data, way.to, way.ttl, now, label, way.rule, timers)
        self._held[passing.number], self._ways[passing.number] = held, way
        self._tell(way, Fate.HELD, None, now, label)
        if len(self._held) > self._room:
            oldest = min(self._held.values(), key=lambda one: (one.since, one.number))
            self._let_go(oldest.number, now, Fate.OVERTAKEN)

    def _let_go(self, number: int, now: float, fate: Fate | None) -> None:
        way = self._take_out(number)
        changed = (way.data, way.to, way.ttl) != (way.passing.data, way.passing.remote, way.passing.ttl)
        if fate is None:
            fate = None if changed else Fate.FORWARDED
        rule = None if fate is Fate.FORWARDED else way.rule
        self._go(replace(way, fate=fate, rule=rule), now)

    def _take_out(self, number: int) -> Way:
        way = self._way(number)
        del self._held[number], self._ways[number]
        return way

    def _way(self, number: int) -> Way:
        """A held datagram as it goes: its rule is still told if it was changed by nobody else."""
        held = self._find(number)
        way = self._ways[number]
        by_rule = (held.data, held.to, held.ttl) == (way.data, way.to, way.ttl)
        return replace(way, data=held.data, to=held.to, ttl=held.ttl, rule=way.rule if by_rule else None)

    def _find(self, number: int) -> Held:
        held = self._held.get(number)
        if held is None:
            raise NotHeldError(number)
        return held

    def _go(self, way: Way, now: float) -> None:
        """Send it, and what goes with it."""
        self._send(way, way.fate, now)
        for _ in range(way.copies):
            self._send(way.plain, Fate.DUPLICATED, now)
        if self._closed:
            return
        for replay in way.replays:
            again = replace(way.plain, fate=Fate.REPLAYED)
            if replay.behind:
                due = now + replay.patience
                self._overtake(self._waiting.wait_behind(again, replay.behind, replay.group, due), now)
            else:
                self._overtake(self._waiting.wait(again, now + (replay.after or 0.0)), now)

    def _overtake(self, way: Way | None, now: float) -> None:
        if way is not None:
            self._go(replace(way, fate=Fate.OVERTAKEN), now)

    def _send(self, way: Way, fate: Fate | None, now: float) -> None:
        passing = way.passing
        if fate is None:
            if way.to != passing.remote:
                fate = Fate.REDIRECTED
            elif (way.data, way.ttl) != (passing.data, passing.ttl):
                fate = Fate.EDITED
        touched = None if fate is None else self._tell(way, fate, way.data, now)
        if is_sent(way):
            outgoing = Outgoing(way.data, way.to, passing.socket, way.ttl)
            self._out.append((outgoing, Leaving(passing, touched)))
        else:
            self.machine.receive_datagram(way.data, way.to, now, passing.socket)

    def _tell(self, way: Way, fate: Fate, data: bytes | None, now: float, reason: str = "") -> Touched:
        touched = Touched(way.passing, fate, data, way.to, way.ttl, way.rule, now, reason)
        self.counts[fate] += 1
        if self._on_touched is not None:
            self._on_touched(touched)
        return touched

    def _abandon(self, now: float) -> None:
        for number in tuple(self._held):
            self._tell(self._take_out(number), Fate.ABANDONED, None, now)
        for way in self._waiting.clear():
            self._tell(way, Fate.ABANDONED, None, now)
