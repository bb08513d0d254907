"""Steps let go one by one, each with one thing changed: what a real server and real clients make of it.

All attempts of a test are under way at once, over one desk: what is done with one never holds up another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from protocol.editing.fields import with_fields
from protocol.keys import key_pair
from protocol.peer.choices import Way, choices_for
from protocol.peer.desk import Desk, Fate, HeldStep
from protocol.peer.failures import Cause, ErrorName
from protocol.peer.live import ConversationOver, LivePeer
from protocol.peer.options import ConnectOptions, ListenOptions
from protocol.peer.steps import Act, Attempt
from tests.interop.dht_driver import PATIENCE
from tests.interop.peer_driver import FIREWALLED, a_dht, echoing, our_peer

pytestmark = [pytest.mark.node, pytest.mark.timed]

SEED = b"s" * 32
PAIR = key_pair(SEED)
NO_SHORTCUTS = ConnectOptions(local_connection=False, fast_open=False)
Decision = Callable[[Desk, HeldStep, float], None]


def changed(**texts: str) -> Decision:
    """Send it with some fields changed."""

    def decide(desk: Desk, held: HeldStep, now: float) -> None:
        desk.edit(held.number, with_fields(held.step, texts))
        desk.send(held.number, now)

    return decide


def chosen(name: str) -> Decision:
    """Make a choice that the screen offers."""

    def decide(desk: Desk, held: HeldStep, now: float) -> None:
        choice = next(one for one in choices_for(held.step) if one.name == name)
        if choice.way is Way.LEAVE_OUT:
            desk.leave_out(held.number, now)
        elif choice.way is Way.SKIP:
            desk.skip(held.number, now)
        else:
            desk.edit(held.number, choice.applied(held.step))
            desk.send(held.number, now)

    return decide


def put_off(desk: Desk, held: HeldStep, now: float) -> None:
    """Let the next step come first."""
    desk.put_off(held.number, now)


@dataclass
class Hand:
    """Lets every step go as soon as it is held: as it is, or as was decided for its attempt."""

    desk: Desk = field(default_factory=Desk)
    plans: dict[bytes, Mapping[Act, Decision]] = field(default_factory=dict)
    """By the key of the server: what is done with some steps."""
    of: Callable[[Attempt], bytes] = lambda connection: connection.public_key  # type: ignore[attr-defined]
    peer: LivePeer | None = None

    def __post_init__(self) -> None:
        self.desk.on_change = lambda: asyncio.get_running_loop().call_soon(self._let_go)

    def _let_go(self) -> None:
        assert self.peer is not None
        self.peer.shell.act(lambda _, now: self._decide(now))

    def _decide(self, now: float) -> None:
        for held in self.desk.held:
            if held.put_off or held.number not in {one.number for one in self.desk.held}:
                continue
            decision = self.plans.get(self.of(held.came.connection), {}).get(held.came.act)
            if decision is None:
                self.desk.send(held.number, now)
            else:
                decision(self.desk, held, now)

    def fates(self, connection: Attempt) -> list[tuple[Act, Fate]]:
        """What became of the steps of an attempt."""
        return [(done.came.act, done.fate) for done in self.desk.done if done.came.connection is connection]


CLIENTS: dict[str, tuple[Mapping[Act, Decision], Cause | None]] = {
    "nothing is changed": ({}, None),
    "another version": ({Act.OFFER: chosen("another version")}, Cause.SERVER_ERROR),
    "no relay is asked": ({Act.ASK: chosen("don't ask")}, Cause.NO_ANSWER),
    "the NAT is said to be random": ({Act.PROBE: chosen("claim RANDOM")}, None),
    "we abort": ({Act.PROBE: chosen("abort")}, Cause.REMOTE_ABORTED),
    "we say try later": ({Act.PROBE: chosen("try later")}, Cause.REMOTE_ABORTED),
    "an id that it never gave": ({Act.PROBE: changed(id="999")}, Cause.ROUND_TIMED_OUT),
    "bytes that are no payload": ({Act.PROBE: changed(plaintext="ff")}, Cause.ROUND_TIMED_OUT),
    "a value that is none": ({Act.PROBE: changed(value="00")}, Cause.ROUND_TIMED_OUT),
    "a relay that knows another server": ({Act.PROBE: changed(peer_address="127.0.0.1:9")}, Cause.ROUND_TIMED_OUT),
    "no probe round": ({Act.PROBE: chosen("skip")}, None),
    "the punch round comes first": ({Act.PROBE: put_off}, None),
    "a forged echo of its token": ({Act.PUNCH: chosen("forge echo")}, None),
    "no token of ours": ({Act.PUNCH: chosen("withhold token")}, None),
    "we don't punch": ({Act.PUNCH: chosen("say not punching")}, Cause.REMOTE_NOT_PUNCHING),
}
"""What is done with a step of our client, and how its attempt at a real server ends: None with a stream."""


async def test_our_client_by_hand_and_a_real_server() -> None:
    hand = Hand(of=lambda connection: connection.public_key)  # type: ignore[attr-defined]
    async with a_dht("real") as (port, real), await our_peer(port, gate=hand.desk) as peer:
        hand.peer = peer
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        await real("listen", name="s", seed=SEED.hex(), options={"shareLocalAddress": False})

        async def ends(number: int, plan: Mapping[Act, Decision]) -> Cause | None:
            pair = key_pair(bytes([number]) * 32)
            hand.plans[pair.public_key] = plan
            options = ConnectOptions(key_pair=pair, local_connection=False, fast_open=False)
            try:
                conversation = await peer.connect(PAIR.public_key, options)
                await conversation.send(b"by hand")
                assert await conversation.recv() == b"by hand"
                conversation.end()
                await conversation.closed()
            except ConversationOver as over:
                return over.closing.cause
            return None

        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            tasks = {
                name: group.create_task(ends(number, plan)) for number, (name, (plan, _)) in enumerate(CLIENTS.items())
            }
        assert {name: task.result() for name, task in tasks.items()} == {
            name: cause for name, (_, cause) in CLIENTS.items()
        }
        assert {done.came.act for done in hand.desk.done} >= set(Act) - {
            Act.ANSWER, Act.REPLY, Act.PING, Act.ECHO, Act.DELAY, Act.SESSION, Act.ABORT
        }  # fmt: skip


async def test_a_round_that_went_is_sent_again_and_late() -> None:
    hand = Hand(of=lambda _: b"")
    hand.plans[b""] = {Act.PROBE: put_off}
    async with a_dht("ours") as (port, real), await our_peer(port, gate=hand.desk) as peer:
        hand.peer = peer
        await real("node", name="s", bootstrap=[port], options=FIREWALLED)
        await real("listen", name="s", seed=SEED.hex(), options={"shareLocalAddress": False})
        conversation = await peer.connect(PAIR.public_key, NO_SHORTCUTS)
        [late] = hand.desk.held
        punch = next(done for done in hand.desk.done if done.came.act is Act.PUNCH)
        requests = peer.peer.node.requests.counts
        before = requests.total
        peer.shell.act(lambda _, now: hand.desk.send(late.number, now))
        peer.shell.act(lambda _, now: hand.desk.repeat(punch.number, now))
        assert requests.total == before + 2
        await conversation.send(b"still there")
        assert await conversation.recv() == b"still there"
        assert (Act.PROBE, Fate.LATE) in hand.fates(conversation.connection)
        assert (Act.PUNCH, Fate.REPEATED) in hand.fates(conversation.connection)


SERVERS: tuple[tuple[Act, str, str | None], ...] = (
    (Act.ANSWER, "send", None),
    (Act.ANSWER, "stay silent", ErrorName.PEER_CONNECTION_FAILED),
    (Act.ANSWER, "abort", ErrorName.SERVER_ERROR),
    (Act.ANSWER, "try later", ErrorName.SERVER_ERROR),
    (Act.ANSWER, "version mismatch", ErrorName.SERVER_ERROR),
    (Act.ANSWER, "claim CONSISTENT", None),
    (Act.ANSWER, "claim RANDOM", None),
    (Act.SAMPLE, "don't sample", ErrorName.HOLEPUNCH_ABORTED),
    (Act.REPLY, "stay silent", ErrorName.HOLEPUNCH_ABORTED),
    (Act.REPLY, "abort", ErrorName.HOLEPUNCH_ABORTED),
    (Act.REPLY, "try later", ErrorName.HOLEPUNCH_ABORTED),
    (Act.REPLY, "version mismatch", ErrorName.HOLEPUNCH_ABORTED),
    (Act.REPLY, "claim UNKNOWN", ErrorName.HOLEPUNCH_ABORTED),
    (Act.REPLY, "claim RANDOM", None),
    (Act.REPLY, "issue token", None),
    (Act.REPLY, "withhold token", None),
    (Act.REPLY, "forge token", None),
    (Act.REPLY, "withhold echo", None),
    (Act.REPLY, "forge echo", None),
    (Act.REPLY, "say not punching", ErrorName.HOLEPUNCH_ABORTED),
    (Act.BARRAGE, "don't punch", ErrorName.HOLEPUNCH_ABORTED),
    (Act.ECHO, "don't punch", None),
)
"""What our server does with all steps of one kind, and the error that a real client sees: None with a stream."""


async def test_real_clients_and_our_server_by_hand() -> None:
    hand = Hand(of=lambda connection: connection.public_key)  # type: ignore[attr-defined]
    async with a_dht("real") as (port, real), await our_peer(port, gate=hand.desk) as peer:
        hand.peer = peer

        async def ends(number: int, act: Act, choice: str) -> str | None:
            pair = key_pair(bytes([number + 1]) * 32)
            hand.plans[pair.public_key] = {act: chosen(choice)}
            listener = await peer.listen(pair, ListenOptions(share_local_address=False))
            async with echoing(listener):
                await real("node", name=f"c{number}", bootstrap=[port], options=FIREWALLED)
                options = {"localConnection": False, "fastOpen": False}
                told: dict[str, Any] = await real(
                    "connect", name=f"c{number}", key=pair.public_key.hex(), size=100, options=options
                )
            assert told["intact"] == (told["error"] is None)
            error: str | None = told["error"]
            return error

        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            tasks = [group.create_task(ends(number, *given[:2])) for number, given in enumerate(SERVERS)]
        found = [(*given[:2], task.result()) for given, task in zip(SERVERS, tasks, strict=True)]
        assert found == [(act, choice, None if error is None else str(error)) for act, choice, error in SERVERS]


async def test_a_step_that_is_held_for_one_client_holds_up_no_other() -> None:
    hand = Hand(of=lambda _: b"")
    first: list[Attempt] = []
    arrived = asyncio.Event()

    def keep_the_first(desk: Desk, held: HeldStep, now: float) -> None:
        first.append(held.came.connection)
        arrived.set()
        if held.came.connection is not first[0]:
            desk.send(held.number, now)

    hand.plans[b""] = {Act.ANSWER: keep_the_first}
    async with a_dht("ours") as (port, real), await our_peer(port, gate=hand.desk) as peer:
        hand.peer = peer
        listener = await peer.listen(PAIR, ListenOptions(share_local_address=False))
        async with echoing(listener):
            for name in ("first", "second"):
                await real("node", name=name, bootstrap=[port], options=FIREWALLED)
            options = {"localConnection": False}
            asked = {"key": PAIR.public_key.hex(), "size": 1000, "options": options}
            waiting = asyncio.create_task(real("connect", name="first", **asked))
            async with asyncio.timeout(PATIENCE):
                await arrived.wait()
                assert (await real("connect", name="second", **asked))["intact"]
                assert not waiting.done()
                [held] = [one for one in hand.desk.held if one.came.act is Act.ANSWER]
                peer.shell.act(lambda _, now: hand.desk.send(held.number, now))
                assert (await waiting)["intact"]
