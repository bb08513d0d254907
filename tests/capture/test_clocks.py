"""How far clocks are apart, how sure that is, and what the user knows better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from capture.opening import read_capture
from capture.story import Story
from capture.table import PacketTable
from capture.vantages import merge_vantages
from tests.capture.build import ethernet, ipv4, pcap, udp
from tests.capture.test_vantages import LAB, MS, T0, exchange, shifted, two_vantages


def merged(files: Sequence[bytes], given_ns: dict[int, int] | None = None) -> PacketTable:
    table = PacketTable()
    for data in files:
        read_capture(data, table)
    merge_vantages(table, given_ns)
    return table


@pytest.mark.parametrize("jitter", [[0, 3, 0, 9, 1, 0, 2], [0] * 7, [30, 0, 25, 0, 28, 1, 27]])
def test_the_truth_lies_within_the_uncertainty(jitter: list[float]) -> None:
    table = merged(two_vantages(40, jitter))
    file = table.files[1]
    assert file.clock_uncertainty_ns is not None
    assert abs(file.clock_offset_ns - 90 * 10**9) <= file.clock_uncertainty_ns
    # The way there and back takes 80 ms at least: nothing that is seen can say more than half of it.
    assert file.clock_uncertainty_ns == pytest.approx(40 * MS, abs=MS)


def test_no_packet_arrives_before_it_was_sent() -> None:
    """Ways of very unequal length: the median alone would put answers before their questions."""
    near, far = [], []
    for number, (there, back) in enumerate([(1, 50), (60, 1), (60, 50), (70, 55), (65, 60)]):
        start = T0 + number * 1000 * MS
        asked, answered = exchange(number)
        near.append((start, ethernet(ipv4(udp(asked, 5000, 49737), "192.168.1.2", "11.0.0.2", 64))))
        far.append((start + there * MS, ethernet(ipv4(udp(asked, 7000, 49737), "11.1.0.2", "11.0.0.2", 60))))
        far.append((start + 100 * MS, ethernet(ipv4(udp(answered, 49737, 7000), "11.0.0.2", "11.1.0.2", 64))))
        near.append(
            (start + (100 + back) * MS, ethernet(ipv4(udp(answered, 49737, 5000), "11.0.0.2", "192.168.1.2", 60)))
        )
    table = merged([pcap(near, nanoseconds=True), pcap(far, nanoseconds=True)])
    copies = np.flatnonzero(table.copy_of >= 0)
    assert copies.size == 10
    assert (table.time_ns[copies] >= table.time_ns[table.copy_of[copies]]).all()
    file = table.files[1]
    assert file.clock_uncertainty_ns is not None
    assert abs(file.clock_offset_ns) <= file.clock_uncertainty_ns


def test_seen_one_way_only_the_uncertainty_is_not_known() -> None:
    near, far = [], []
    for number in range(5):
        start = T0 + number * 1000 * MS
        asked, _ = exchange(number)
        near.append((start, ethernet(ipv4(udp(asked, 5000, 49737), "192.168.1.2", "11.0.0.2", 64))))
        far.append((start + 20 * MS, ethernet(ipv4(udp(asked, 7000, 49737), "11.1.0.2", "11.0.0.2", 60))))
    file = merged([pcap(near, nanoseconds=True), pcap(far, nanoseconds=True)]).files[1]
    assert file.clock_uncertainty_ns is None


def test_a_given_offset_is_taken_as_it_is() -> None:
    table = merged(two_vantages(40, [0] * 7), {1: 90 * 10**9 + 5 * MS})
    file = table.files[1]
    assert (file.clock_offset_ns, file.clock_given) == (90 * 10**9 + 5 * MS, True)
    assert file.clock_uncertainty_ns is None
    assert (table.copy_of < 0).sum() == 14, "copies are found all the same"
    assert not merged(two_vantages(40, [0] * 7)).files[1].clock_given


def test_a_given_offset_by_path_also_of_a_single_file() -> None:
    path = str(LAB / "consistent-consistent" / "client.pcap.gz")
    plain, moved = Story.open([path]), Story.open([path], ahead={path: 2.5})
    assert moved.flows[0].started == pytest.approx(plain.flows[0].started - 2.5)
    assert moved.files[0].clock_offset == 2.5
    assert moved.files[0].clock_given


def test_a_story_of_two_vantages_reads_in_causal_order_whatever_the_clocks() -> None:
    paths = [LAB / "far-apart" / f"{name}.pcap.gz" for name in ("client", "server")]
    table = merged([shifted(path, ns) for path, ns in zip(paths, (0, 7_300_000_000), strict=True)])
    order = {"FROM_CLIENT": 0, "FROM_RELAY": 1, "FROM_SERVER": 2, "REPLY": 3}
    seen = 0
    for flow in Story(table).flows:
        for command, tid in {(one.command, one.tid) for one in flow.messages if one.mode in order}:
            legs = []
            for step in flow.steps:
                message = None if step.message is None else flow.messages[step.message]
                if message is not None and (message.command, message.tid) == (command, tid) and message.mode in order:
                    legs.append(order[message.mode])
            firsts = list(dict.fromkeys(legs))
            assert firsts == sorted(firsts), (command, tid)
            seen += len(firsts) == 4
    assert seen
