"""Everything that was refused is counted, and named for people."""

from __future__ import annotations

import pytest

from app.draw.node import counters_page
from app.node_view import refusals_of
from protocol.constants import Firewall
from protocol.dht.refusals import Refusal
from protocol.peer.refusals import PunchRefusal, StreamRefusal, all_refusals
from protocol.punch.stability import known_class
from tests.app.hand_node import STATUS
from tests.protocol.peer.test_amplification import CASES, VICTIM, Bench


def test_counts_of_all_that_a_peer_does_are_added_up() -> None:
    bench = Bench()
    for case in CASES:
        if case.name in ("FIND_NODE", "packet of an unknown stream"):
            case.send(bench)
    bench.run(5)
    socket = bench.peer.pool.acquire(bench.now)
    bench.peer.receive_datagram(b"\0", VICTIM, bench.now, socket)
    bench.peer.receive_datagram(b"\0", VICTIM, bench.now, 1)
    counts = all_refusals(bench.peer)
    for reason in (Refusal.SHORTENED, Refusal.FOREIGN, StreamRefusal.UNKNOWN_STREAM, PunchRefusal.UNCLAIMED):
        assert counts[str(reason)] == 1
    assert dict(refusals_of(bench.peer)) == counts


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_page_shows_every_reason_in_full(width: int) -> None:
    page = counters_page(STATUS, width)
    text = " ".join("".join(span.text for span in line.line) for line in page)
    shown = " ".join(text.split())
    for reason, count in STATUS.refused:
        assert f"{count} {reason}"[:30] in shown
        assert all(word in shown for word in reason.split())


@pytest.mark.parametrize("number", [*Firewall, 4, 255, 2**32])
def test_a_class_that_nobody_knows_counts_as_random(number: int) -> None:
    assert known_class(number) == min(number, Firewall.RANDOM)
