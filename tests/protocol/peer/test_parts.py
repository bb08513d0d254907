"""Timers, and which addresses are worth a try."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from protocol.messages import Address
from protocol.peer.addresses import is_bogon, is_private, is_reserved, nearest
from protocol.peer.agenda import Agenda, Timer
from tests.interop.stream_peer import PACKAGES

HOSTS = [
    "0.1.2.3", "10.0.0.1", "11.0.0.1", "100.63.0.1", "100.64.0.1", "100.127.9.9", "100.128.0.1", "127.0.0.1",
    "169.253.0.1", "169.254.1.1", "172.15.0.1", "172.16.0.1", "172.31.0.1", "172.32.0.1", "192.0.0.1", "192.0.1.1",
    "192.0.2.1", "192.168.0.1", "192.169.0.1", "198.17.0.1", "198.18.0.1", "198.19.0.1", "198.20.0.1", "198.51.100.1",
    "203.0.113.1", "203.0.114.1", "223.255.255.255", "224.0.0.1", "239.0.0.1", "240.0.0.1", "255.255.255.255",
]  # fmt: skip


def test_timers_in_order_and_cancelled() -> None:
    agenda = Agenda()
    done: list[tuple[str, float]] = []
    timers: dict[str, Timer] = {}
    for name, at in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
        timers[name] = agenda.call_at(at, lambda now, name=name: done.append((name, now)))  # type: ignore[misc]
    assert agenda.next_timeout() == 1
    timers["a"].cancel()
    timers["a"].cancel()
    assert agenda.next_timeout() == 2
    agenda.handle_timeout(2.5)
    timers["b"].cancel()
    assert len(agenda) == 1
    agenda.handle_timeout(9)
    assert done == [("b", 2.5), ("c", 9)]
    assert agenda.next_timeout() is None


def test_a_timer_that_is_made_while_others_run() -> None:
    agenda = Agenda()
    done: list[float] = []
    agenda.call_at(1, lambda now: agenda.call_at(now, done.append) and None)  # type: ignore[func-returns-value]
    agenda.handle_timeout(1)
    assert done == [1]


def test_cancelled_timers_are_forgotten() -> None:
    agenda = Agenda()
    keep = agenda.call_at(5, lambda _: None)
    for _ in range(10_000):
        agenda.call_at(6, lambda _: None).cancel()
    assert len(agenda) == 1
    assert len(agenda._heap) < 200
    assert keep.action is not None


@pytest.mark.node
def test_ranges_are_those_of_the_reference() -> None:
    script = (
        "const b = require('bogon');"
        f"console.log(JSON.stringify({json.dumps(HOSTS)}.map((h) => [b.isPrivate(h), b.isReserved(h), b.isBogon(h)])))"
    )
    told = subprocess.run(["node", "-e", script], cwd=Path(PACKAGES).parent, capture_output=True, text=True, check=True)
    assert [[is_private(host), is_reserved(host), is_bogon(host)] for host in HOSTS] == json.loads(told.stdout)


@pytest.mark.parametrize(
    ("theirs", "best"),
    [
        (["10.0.0.9", "192.168.1.9", "192.168.2.9"], "192.168.1.9"),
        (["10.0.0.9", "192.168.2.9", "192.168.3.9"], "192.168.2.9"),
        (["192.1.1.1", "10.0.0.9"], "192.1.1.1"),
        (["10.0.0.9"], None),
        ([], None),
    ],
)
def test_the_nearest_address(theirs: list[str], best: str | None) -> None:
    found = nearest([Address("192.168.1.2", 1)], [Address(host, 2) for host in theirs])
    assert (found and found.host) == best
