"""What a NAT let out late is joined where as many came late as are missing, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from capture.late_copies import in_turn
from capture.opening import read_capture
from capture.table import PacketTable
from capture.vantages import merge_vantages
from tests.capture.build import ethernet, ipv4, pcap, udp
from tests.capture.test_vantages import MS, T0, exchange

INSIDE, OUTSIDE, PEER = "192.168.1.2", "11.1.0.2", "11.0.0.2"


@pytest.mark.parametrize(
    ("may_be", "pairs"),
    [
        ([], []),
        ([(1, 2)], [(1, 2)]),
        ([(1, 3), (1, 4), (2, 3), (2, 4)], [(1, 3), (2, 4)]),
        ([(1, 2), (5, 6)], [(1, 2), (5, 6)]),
        ([(1, 3), (2, 3)], []),  # one was lost: which, nobody knows
        ([(1, 2), (1, 3)], []),
        ([(1, 2), (2, 3), (1, 3)], []),  # before one passage and after another
        ([(1, 3), (2, 5), (1, 5), (1, 6), (4, 6)], [(1, 3), (2, 5), (4, 6)]),
        ([(1, 4), (2, 3), (1, 3)], []),  # not in the order in which they were sent
    ],
)
def test_in_turn(may_be: list[tuple[int, int]], pairs: list[tuple[int, int]]) -> None:
    assert in_turn(may_be) == in_turn(reversed(may_be)) == pairs


def merged(late_ms: dict[int, float], lost: tuple[int, ...] = ()) -> tuple[PacketTable, list[tuple[float, float]]]:
    """Twenty punches through a NAT with random ports, from its inside and its outside, after some talk.

    Returns:
        The table, and when each punch that both captures show went in and came out, in milliseconds.
    """
    inside, outside = [], []
    for number in range(6):
        asked, answered = exchange(number)
        start = T0 + number * 100 * MS
        inside.append((start, ethernet(ipv4(udp(asked, 5000, 49737), INSIDE, PEER, 64))))
        outside.append((start + MS // 10, ethernet(ipv4(udp(asked, 7000, 49737), OUTSIDE, PEER, 63))))
        outside.append((start + 2 * MS, ethernet(ipv4(udp(answered, 49737, 7000), PEER, OUTSIDE, 64))))
        inside.append((start + 2 * MS + MS // 10, ethernet(ipv4(udp(answered, 49737, 5000), PEER, INSIDE, 63))))
    for number in range(20):
        start = T0 + (1000 + 20 * number) * MS
        inside.append((start, ethernet(ipv4(udp(b"\0", 5100 + number, 6000), INSIDE, PEER, 64))))
        if number not in lost:
            out = start + round(late_ms.get(number, 0.1) * MS)
            outside.append((out, ethernet(ipv4(udp(b"\0", 9000 + 7 * number, 6000), OUTSIDE, PEER, 63))))
    table = PacketTable()
    for packets in (inside, outside):
        read_capture(pcap(sorted(packets), nanoseconds=True), table)
    merge_vantages(table)
    punches = [
        ((table.time_ns.item(root) - T0) / MS - 1000, (table.time_ns.item(row) - T0) / MS - 1000)
        for row, root in enumerate(table.copy_of.tolist())
        if root >= 0 and table.wire_length[row] == 1
    ]
    return table, punches


def punches_in(table: PacketTable) -> int:
    return int(np.count_nonzero((table.wire_length == 1) & (table.copy_of < 0)))


@pytest.mark.parametrize("late_ms", [{}, {7: 12.5}, {0: 3.7, 12: 14}, {5: 45, 6: 37}, {19: 300}])
def test_late_ones_are_joined(late_ms: dict[int, float]) -> None:
    table, punches = merged(late_ms)
    assert punches_in(table) == 20
    assert {round(went): round(came - went, 1) for went, came in punches} == {
        20 * number: late_ms.get(number, 0.1) for number in range(20)
    }


def test_where_one_was_lost_nothing_is_guessed() -> None:
    table, punches = merged({7: 12.5}, lost=(6,))
    assert len(punches) == 18
    assert punches_in(table) == 21


def test_what_came_out_before_it_went_in_is_another() -> None:
    table, _ = merged({7: -12.5})
    assert punches_in(table) == 21
