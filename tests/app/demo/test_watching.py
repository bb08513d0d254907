"""A demo that is looked at tells where things are, and how what was staged came out."""

from __future__ import annotations

from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from app.demo.actor import Ending
from app.demo.director import Attempt
from app.demo.judging import SETTLING_NS
from app.demo.places import CONSISTENT, RANDOM, REMAPPING, SEQUENTIAL
from app.demo.scenes import SCENES
from app.demo.show import Demo
from app.demo.surveying import survey, words
from app.demo.watching import WatchedDemo
from app.demo_status import NetworkStatus
from tests.app.demo.test_scenes import fast
from tests.app.flows_by_hand import BOTH_RANDOM, story
from tests.app.hand_demo import NETWORK
from tests.app.hand_node import SilentFeed


@dataclass
class Clock:
    """Stands for the thread of a demo."""

    now_ns: int
    network_status: NetworkStatus | None = NETWORK

    def time_ns(self) -> int:
        return self.now_ns


def test_an_attempt_is_judged_once_its_silence_has_settled() -> None:
    ended = round(BOTH_RANDOM.ended * 1e9)
    ending = Ending(bytes.fromhex(BOTH_RANDOM.id), None, False, 1.0)
    code = BOTH_RANDOM.verdict.code
    scene = SCENES[0]
    attempts: SimpleQueue[Attempt] = SimpleQueue()
    for wanted in (frozenset({code}), scene.fits):
        attempts.put(Attempt(1, scene, False, BOTH_RANDOM.target, "127.1.1.1", ended, ended, wanted, ending))
    clock: Any = Clock(ended)
    feed: Any = SilentFeed("demo")
    watched = WatchedDemo(clock, story((BOTH_RANDOM,)), feed, attempts)  # type: ignore[arg-type]
    watched.poll()
    status = watched.status()
    assert status is not None
    assert (status.judged, status.waiting) == (0, 2)
    clock.now_ns += SETTLING_NS
    watched.poll()
    status = watched.status()
    assert status is not None
    assert (status.judged, status.agreed, status.waiting) == (2, 1, 0)
    assert [staged.agrees for staged in status.latest] == [False, True], "the newest first"
    assert {staged.attempt for staged in status.latest} == {BOTH_RANDOM.id}


def test_nothing_is_told_before_the_network_is_up() -> None:
    clock: Any = Clock(0, None)
    feed: Any = SilentFeed("demo")
    assert WatchedDemo(clock, story(()), feed, SimpleQueue()).status() is None  # type: ignore[arg-type]


def test_the_survey_names_every_node_and_nat() -> None:
    async def look() -> NetworkStatus:
        demo = Demo(seed=3, nodes=3)
        async with demo:
            lan = demo.network.places.lan(RANDOM)
            demo.network.places.host(lan)
            return survey(demo)

    found = fast(look)
    assert len(found.nodes) == 3
    assert found.bootstrap == found.nodes[0][0]
    assert any(known for _, known in found.nodes)
    (nat,) = [nat for nat in found.nats if nat.kind == words(RANDOM)]
    assert len(nat.inside) == 1
    assert nat.mappings == nat.refused == 0


def test_each_make_of_nat_is_told_apart() -> None:
    assert len({words(kind) for kind in (CONSISTENT, SEQUENTIAL, RANDOM, REMAPPING)}) == 4
