"""Every scene gets the verdict that it is staged for, from the packets alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from app.demo.demo_thread import DemoThread
from app.demo.director import Attempt, Director
from app.demo.embedded_network import EmbeddedNetwork
from app.demo.fast_clock import FastLoop
from app.demo.judging import SETTLING_NS, Judge, Judged, judge
from app.demo.scenes import SCENES, Scene, Trouble
from app.demo.show import Demo
from capture.model import Outcome, VerdictCode
from capture.model import Path as FlowPath
from capture.story import Keys, Story
from capture.tap import Tap
from protocol.noise_handshake import KeyLine
from tests.app.demo.tcpdump import tcpdump

SPEED = 2.0
ALL_SPEED = 1.0
"""For all scenes, two at a time: real peers give up on each other where the machine does not keep up."""
NODES = 8
T = TypeVar("T")


def fast(make: Callable[[], Coroutine[Any, Any, T]], speed: float = SPEED) -> T:
    """Run in a loop with a fast clock."""
    loop = FastLoop(speed)
    try:
        return loop.run_until_complete(make())
    finally:
        loop.close()


def played(
    *scenes: Scene, keys: list[KeyLine] | None = None, seed: int = 1, speed: float = SPEED
) -> tuple[list[Attempt], Tap, EmbeddedNetwork]:
    """Play each scene once, and let silence settle."""
    attempts: list[Attempt] = []
    tap = Tap()
    network = EmbeddedNetwork(seed=seed, nodes=NODES, tap=tap.take)

    async def play() -> None:
        async with network:
            director = Director(
                network,
                seed=seed,
                on_attempt=attempts.append,
                on_key=(keys if keys is not None else []).append,
                scenes=scenes,
                pause=0.5,
            )
            await director.run(1)
            sockets, lans = network.loopback.sockets, len(network.places.lans)
            await asyncio.sleep(SETTLING_NS / 1e9)
            assert (sockets, lans) == (2 * NODES, 0)

    fast(play, speed)
    tap.collect()
    return attempts, tap, network


def judged_by(attempts: list[Attempt], story: Story) -> list[tuple[str, str, bool]]:
    story.update()
    return [(one.attempt.scene.title, str(one.verdict), one.agrees) for one in judge(attempts, story.flows)]


def test_all_scenes_together() -> None:
    """Twice at a time, as the demo plays them."""
    attempts, tap, network = played(*SCENES, speed=ALL_SPEED)
    story = Story(tap.table)
    assert [one for one in judged_by(attempts, story) if not one[2]] == []
    assert len(attempts) == len(SCENES) + sum(scene.then is not None for scene in SCENES)
    for judged in judge(attempts, story.flows):
        assert judged.flow is not None
        ended_well = judged.flow.outcome is Outcome.CONNECTED
        # Outside of one NAT, who met inside of it may look like failing.
        assert judged.attempt.ending.echoed == ended_well or judged.attempt.scene.same_nat
    assert network.loopback.sockets == network.loopback.on_the_way == 0


def test_every_trouble_has_a_scene() -> None:
    assert {scene.trouble for scene in SCENES} == set(Trouble)
    assert len({scene.title for scene in SCENES}) == len(SCENES)


def test_the_paths_and_failures_that_the_demo_promises() -> None:
    staged = {scene.wanted for scene in SCENES}
    assert staged >= {
        VerdictCode.PUNCHED,
        VerdictCode.OPEN_CLIENT,
        VerdictCode.OPEN_SERVER,
        VerdictCode.LAN,
        VerdictCode.RELAYED,
        VerdictCode.UPGRADED,
        VerdictCode.BOTH_NATS_RANDOM,
        VerdictCode.HANDSHAKE_UNANSWERED,
        VerdictCode.PROBE_UNANSWERED,
        VerdictCode.PUNCH_UNANSWERED,
        VerdictCode.NAT_REMAPPED,
        VerdictCode.PEER_NOT_FOUND,
        VerdictCode.TRY_LATER,
    }


def test_a_key_log_opens_what_the_network_can_not_tell() -> None:
    keys: list[KeyLine] = []
    scene = next(scene for scene in SCENES if scene.wanted is VerdictCode.PUNCHED and scene.fast_open)
    attempts, tap, _ = played(scene, keys=keys)
    assert {line.attempt for line in keys} == {attempts[0].ending.attempt}
    plain = Story(tap.table)
    plain.update()
    tap.add_secrets("".join(line.text + "\n" for line in keys))
    opened = Story(tap.table)
    opened.update()
    (before,), (after,) = plain.flows, opened.flows
    assert (before.path, before.outcome) == (after.path, after.outcome) == (FlowPath.PUNCHED, Outcome.CONNECTED)
    assert before.key.client_public_key is None
    assert after.key.client_public_key is not None


def test_a_verdict_that_was_not_staged_is_told() -> None:
    scene = next(scene for scene in SCENES if scene.wanted is VerdictCode.OPEN_SERVER)
    (attempt,), tap, _ = played(scene)
    story = Story(tap.table)
    story.update()
    other = Attempt(
        attempt.number, scene, False, attempt.target, attempt.client_host, attempt.started_ns, attempt.ended_ns,
        frozenset({VerdictCode.PUNCHED}), attempt.ending,
    )  # fmt: skip
    keeper = Judge()
    keeper.add(other)
    assert keeper.ripe(story.flows, other.ended_ns) == []
    (judged,) = keeper.ripe(story.flows, other.ended_ns + SETTLING_NS)
    assert (judged.verdict, judged.agrees) == (VerdictCode.OPEN_SERVER, False)
    assert keeper.rest(story.flows) == []
    keeper.add(attempt)
    assert keeper.rest([]) == [Judged(attempt, None)]
    assert not Judged(attempt, None).agrees


def test_a_capture_of_the_loopback_gets_the_same_verdicts(loopback_capture: None, tmp_path: Path) -> None:
    path = tmp_path / "lo.pcap"
    attempts: list[Attempt] = []
    tap = Tap()

    async def play() -> None:
        network = EmbeddedNetwork(seed=3, nodes=NODES, tap=tap.take)
        async with tcpdump(path), network:
            director = Director(
                network, seed=3, on_attempt=attempts.append, on_key=lambda _: None, scenes=scenes, pause=0.5
            )
            await director.run(1)
            await asyncio.sleep(1.5)

    scenes = tuple(scene for scene in SCENES if not scene.slow)
    # At the speed of the world: tcpdump's clock is that of the kernel.
    asyncio.run(play())
    tap.collect()
    live, replayed = Story(tap.table), Story.open([str(path)], Keys())
    live.update()
    ours = {flow.id: flow for flow in live.flows}
    theirs = {flow.id: flow for flow in replayed.flows}
    assert ours.keys() <= theirs.keys()
    for id, flow in ours.items():
        again = theirs[id]
        assert (flow.verdict.code, flow.outcome, flow.path) == (again.verdict.code, again.outcome, again.path)
        assert len(flow.messages) == len(again.messages)
    assert [one for one in judged_by(attempts, replayed) if not one[2]] == []


def test_a_demo_in_a_thread_ends_when_told() -> None:
    attempts: list[Attempt] = []
    demo = Demo(seed=2, nodes=4, pause=0.2, on_attempt=attempts.append)
    with DemoThread(demo, SPEED) as thread:
        assert not thread.idle
        while not attempts and not thread.idle:
            thread.demo.tap.wait(1.0)
            thread.demo.tap.collect()
        thread.finish()
    assert thread.error is None
    assert attempts
    assert demo.network.loopback.sockets == 0


def test_what_stops_the_director_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise OSError("no more sockets")

    monkeypatch.setattr("app.demo.stage.Actor.open", refuse)
    with DemoThread(Demo(nodes=4), SPEED) as thread:
        while not thread.idle:
            thread.demo.tap.wait(0.01)
    assert isinstance(thread.error, ExceptionGroup)
    assert thread.demo.network.loopback.sockets == 0
