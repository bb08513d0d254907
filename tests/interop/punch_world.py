"""A world of the test's making for our NAT analysis and puncher, as tests/node/punch_parts.cjs makes it for theirs.

A story says which nodes are known, where each sees each socket and how long its answer takes, and what is done when.
The trace says what was sent, released, found out and told. Times are in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any

from protocol.constants import LOW_TTL, Firewall
from protocol.dht.contact import Ask, Contact, Failure, OnFailure, OnReply, Reply
from protocol.dht.node import Node
from protocol.dht.options import NodeOptions
from protocol.messages import Address
from protocol.punch.budget import PunchBudget
from protocol.punch.nat_analysis import NatAnalysis
from protocol.punch.pool import FIRST, SocketPool
from protocol.punch.puncher import Puncher
from tests.interop.reference import answers_of

Story = dict[str, Any]
Trace = list[list[Any]]


def theirs(stories: list[Story]) -> list[Trace]:
    """What the reference makes of stories."""
    return answers_of("punch_parts.cjs", stories)


class Session:
    """Answers pings as the story says."""

    def __init__(self, world: World) -> None:
        self._world = world

    def ping(
        self, to: Address, now: float, on_reply: OnReply, on_failure: OnFailure, *, retries: int, socket: int
    ) -> None:
        world, story = self._world, self._world.story
        index = world.nodes.index(to)
        world.tell("ping", index, retries == 0)
        seen = story["seen"][(socket - FIRST) % len(story["seen"])][index]
        if seen is None:
            world.at(world.ms + 1000, lambda: on_failure(Failure.TIMED_OUT, world.now))
            return
        reply = Reply(Contact(to), Address(*seen), 0.0, socket, True, Ask(0, internal=True))
        world.at(world.ms + story["rtts"][index], lambda: on_reply(reply, world.now))


class World:
    """One story with our machines."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.ms = 0.0
        self.trace: Trace = []
        self.nodes = [Address(*node) for node in story["nodes"]]
        self.node = Node(NodeOptions(firewalled=story["firewalled"], ephemeral=True), Random(1), 0.0)
        for address in self.nodes:
            self.node.membership.add(address, 0.0)
        assert len(self.node.membership) == len(self.nodes)
        self.pool = SocketPool(self.node, lambda event: self.tell("release", event.socket - FIRST))
        self.punches = PunchBudget()
        self.session: Any = Session(self)
        self.timed: Puncher | None = None
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0

    @property
    def now(self) -> float:
        return self.ms / 1000

    def tell(self, *what: Any) -> None:
        self._sent()
        self.trace.append([self.ms, *what])

    def at(self, ms: float, deed: Callable[[], object]) -> None:
        self._count += 1
        heappush(self._timers, (ms, self._count, deed))

    def run(self, deeds: dict[str, Callable[..., object]]) -> None:
        """Do what the story says, when it says it."""
        for act in self.story["acts"]:
            given = {key: value for key, value in act.items() if key not in ("at", "act")}
            self.at(act["at"], lambda deed=deeds[act["act"]], given=given: deed(**given))  # type: ignore[misc]
        while True:
            self._sent()
            due = self._timers[0][0] if self._timers else None
            own = self.timed.next_timeout() if self.timed is not None else None
            if own is not None and (due is None or own * 1000 < due):
                if own * 1000 > self.story["until"]:
                    break
                self.ms = own * 1000
                assert self.timed is not None
                self.timed.handle_timeout(own)
            elif due is None or due > self.story["until"]:
                break
            else:
                self.ms, _, deed = heappop(self._timers)
                deed()
        self._sent()
        self.ms = self.story["until"]

    def _sent(self) -> None:
        while (out := self.node.poll_datagram(self.now)) is not None:
            assert out.data == b"\0"
            assert out.ttl in (None, LOW_TTL)
            self.trace.append([self.ms, "send", out.socket - FIRST, *out.to, out.ttl or 64])


def plain(addresses: tuple[Address, ...] | None) -> list[list[Any]] | None:
    return None if addresses is None else [list(address) for address in addresses]


def our_nat(story: Story) -> Trace:
    """What our NAT analysis makes of a story."""
    world = World(story)
    nat = NatAnalysis(world.node, world.session, FIRST)
    nat.start(world.now)
    nat.when_analyzed(world.now, lambda _: world.tell("analyzed"))

    def look() -> None:
        world.tell("state", int(nat.firewall), plain(nat.addresses), nat.sampled)

    world.run(
        {
            "add": lambda to, **given: nat.add(Address(*to), Address(*given["from"]), world.now),
            "freeze": nat.freeze,
            "unfreeze": nat.unfreeze,
            "destroy": lambda: nat.destroy(world.now),
            "look": look,
        }
    )
    look()
    return world.trace


def our_puncher(story: Story) -> Trace:
    """What our puncher makes of a story."""
    world = World(story)
    puncher = Puncher(
        world,
        Random(2),
        world.now,
        initiator=story["initiator"],
        remote_firewall=story["remote"],
        on_connect=lambda socket, addr, _: world.tell("connect", socket - FIRST, *addr),
        on_abort=lambda _: world.tell("abort"),
        session=world.session,
    )
    world.timed = puncher
    world.run(
        {
            "update": lambda firewall, addresses, verified: puncher.update_remote(
                punching=True,
                firewall=Firewall(firewall),
                addresses=None if addresses is None else tuple(Address(*address) for address in addresses),
                verified=verified,
            ),
            "analyze": lambda reopen: puncher.analyze(
                reopen, world.now, lambda stable, _: world.tell("analysis", stable)
            ),
            # The analysis of the moment: another socket comes with another one.
            "freeze": lambda: puncher.nat.freeze(),  # noqa: PLW0108
            "punch": lambda: world.tell("punch", puncher.punch(world.now)),
            "arrive": lambda socket, **given: world.pool.receive_punch(
                b"\0", Address(*given["from"]), world.now, socket + FIRST
            ),
            "ping": lambda to: puncher.ping(Address(*to), world.now),
            "open": lambda to: puncher.open_session(Address(*to), world.now),
            "destroy": lambda: puncher.destroy(world.now),
        }
    )
    punches = world.punches
    world.tell("end", punches.consistent, punches.random, punches.running)
    return world.trace
