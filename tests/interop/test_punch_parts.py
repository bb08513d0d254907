"""NAT analysis and puncher, step by step beside the reference's own, in stories made at random."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest

from protocol.constants import Firewall
from tests.interop.punch_world import Story, Trace, our_nat, our_puncher, theirs

pytestmark = pytest.mark.node

HOSTS = ("198.51.100.7", "198.51.100.8", "10.9.8.7")


def random_view(random: Random, nodes: int) -> list[list[Any] | None]:
    """Where each node sees one socket: as through a NAT of some kind, and some do not answer."""
    kind = random.choice(["consistent", "consistent", "random", "two hosts", "wild"])
    lost = random.choice([0, 0, 0.2, 0.6, 1])
    port = random.randrange(1024, 65536)
    views: list[list[Any] | None] = []
    for _ in range(nodes):
        host = "203.0.113.5"
        if kind == "random":
            port = random.randrange(1024, 65536)
        elif kind == "two hosts":
            host = f"203.0.113.{random.choice([5, 6])}"
        elif kind == "wild":
            host, port = f"203.0.113.{random.randrange(4)}", random.randrange(2000, 2003)
        views.append(None if random.random() < lost else [host, port])
    return views


def random_world(random: Random) -> Story:
    count = random.choice([0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 14, 18])
    return {
        "firewalled": random.random() < 0.85,
        "nodes": [[f"192.0.2.{number + 1}", 49737] for number in range(count)],
        "rtts": [random.uniform(5, 900) for _ in range(count)],
        "seen": [random_view(random, count) for _ in range(random.choice([1, 2, 4]))],
    }


def random_nat_story(random: Random) -> Story:
    story = random_world(random)
    acts: list[Story] = []
    samplers = [*story["nodes"], ["192.0.2.200", 1], ["192.0.2.201", 2], ["192.0.2.202", 3], ["192.0.2.203", 4]]
    for _ in range(random.randrange(8)):
        view = random_view(random, 1)[0] or ["203.0.113.5", 4444]
        acts.append({"act": "add", "to": view, "from": random.choice(samplers)})
    if random.random() < 0.4:
        acts.append({"act": "freeze"})
        if random.random() < 0.5:
            acts.append({"act": "unfreeze"})
    if random.random() < 0.2:
        acts.append({"act": "destroy"})
    for act in acts:
        act["at"] = random.uniform(1, 2500)
    # An unfreezing that comes first would decide before there is anything to decide by; the reference fails then.
    frozen = [act for act in acts if act["act"] in ("freeze", "unfreeze")]
    for act, at in zip(frozen, sorted(act["at"] for act in frozen), strict=True):
        act["at"] = at
    acts += [{"act": "look", "at": at + 0.5} for at in range(50, 4000, 50)]
    return {**story, "part": "nat", "until": 6000, "acts": acts}


def test_nat_analysis() -> None:
    random = Random(5)
    stories = [random_nat_story(random) for _ in range(600)]
    seen: Counter[Any] = Counter()
    for story, trace in zip(stories, theirs(stories), strict=True):
        assert rounded(our_nat(story)) == rounded(trace), story
        seen[trace[-1][2]] += 1
        seen[any(step[1] == "analyzed" for step in trace)] += 1
        # More pings than a first try has, after which there is a second.
        seen["second try"] += sum(step[1] == "ping" for step in trace) > 4
    assert set(seen) >= {*map(int, Firewall), True, "second try"}


def random_addresses(random: Random) -> list[list[Any]]:
    return [[random.choice(HOSTS), random.choice([501, 502])] for _ in range(random.choice([0, 1, 1, 2, 3]))]


def random_puncher_story(random: Random) -> Story:
    story = random_world(random)
    if random.random() < 0.8:
        story["seen"] = [[view or ["203.0.113.5", 1] for view in views] for views in story["seen"]]
    classes = [Firewall.CONSISTENT, Firewall.CONSISTENT, Firewall.RANDOM, Firewall.RANDOM, Firewall.OPEN, 0]
    acts: list[Story] = []

    def add(latest: float, act: str, **given: Any) -> None:
        acts.append({"at": random.uniform(1, latest), "act": act, **given})

    for latest in random.choice([(), (1000,), (1000,), (1000, 6000), (1000, 6000, 20000)]):
        addresses = random_addresses(random)
        verified = random.choice([None, *(host for host, _ in addresses)] + [host for host, _ in addresses] * 3)
        add(latest, "update", firewall=int(random.choice(classes)), addresses=addresses, verified=verified)
    for _ in range(random.choice([0, 1, 2])):
        add(3000, "analyze", reopen=random.random() < 0.5)
    for _ in range(random.choice([1, 1, 1, 2])):
        add(7000, "punch")
    for _ in range(random.choice([0, 0, 0, 1, 2])):
        add(30000, "arrive", socket=random.choice([0, 0, 1, 2, 100]), **{"from": [random.choice(HOSTS), 600]})
    if random.random() < 0.3:
        add(40000, "destroy")
    if random.random() < 0.3:
        add(2000, "freeze")
    for act in ("ping", "open"):
        if random.random() < 0.3:
            add(2000, act, to=[random.choice(HOSTS), 700])
    story |= {"initiator": random.random() < 0.6, "remote": int(random.choice(classes)), "acts": acts}
    return {**story, "part": "puncher", "until": 60000}


def rounded(trace: Trace) -> Trace:
    """Ours counts time in seconds; and which port is probed at random is nobody's rule."""
    return [
        [round(step[0], 3), *(("random" if is_random(step, index) else item) for index, item in enumerate(step[1:]))]
        for step in trace
    ]


def is_random(step: list[Any], index: int) -> bool:
    """No address in a story has a port from 1000 up."""
    return step[1] == "send" and index == 3 and 1000 <= step[4] < 65536


def by_moment(trace: Trace) -> dict[float, list[str]]:
    """What happens at one moment, in no order: the reference's promises settle when they do."""
    moments: dict[float, list[str]] = {}
    for at, *what in rounded(trace):
        moments.setdefault(at, []).append(repr(what))
    return {at: sorted(steps) for at, steps in moments.items()}


def test_puncher() -> None:
    random = Random(6)
    stories = [random_puncher_story(random) for _ in range(300)]
    seen: Counter[str] = Counter()
    for story, trace in zip(stories, theirs(stories), strict=True):
        assert by_moment(our_puncher(story)) == by_moment(trace), story
        *_, (_, _, consistent, at_random, _) = trace
        sends = [step for step in trace if step[1] == "send"]
        seen["consistent"] += consistent > 0
        seen["birthday"] += at_random > 0 and len({step[2] for step in sends}) > 100
        seen["random probes"] += at_random > 0 and len({step[4] for step in sends}) > 100
        for told in ("connect", "abort", "release", "analysis", "punch"):
            seen[told] += any(step[1] == told for step in trace)
        seen["reopened"] += any(step[1] == "release" and step[2] == 0 for step in trace[:-3])
        seen["not started"] += any(step[1:] == ["punch", False] for step in trace)
    for what, least in {"consistent": 30, "birthday": 5, "random probes": 20, "connect": 20, "abort": 50}.items():
        assert seen[what] >= least, seen
    assert min(seen.values()) > 0, seen
