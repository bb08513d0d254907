"""When packets count as lost, with acks given by hand."""

from __future__ import annotations

from math import inf

import pytest

from protocol.messages import Address
from protocol.stream.outgoing import Outgoing, Path, Sent
from protocol.stream.recovery import MAX_TIMEOUTS, Recovery

PATH = Path(Address("198.51.100.2", 2002), 22)
RTT = 0.1


class Flight:
    """Packets 0 to `count` - 1, sent 1 ms apart, after one packet that measured the round trip."""

    def __init__(self, count: int) -> None:
        self.out = Outgoing(0)
        self.recovery = Recovery(self.out)
        self.out.write(bytes(1152 * (count + 1)))
        self.send(0.0)
        self.ack(1, [], RTT)
        self.packets = [self.send(1.0 + n / 1000) for n in range(count)]

    def send(self, now: float) -> Sent:
        packet = self.out.make(PATH)
        self.out.fly(packet, now)
        self.recovery.on_sent(packet, now)
        return packet

    def ack(self, ack: int, sacks: list[tuple[int, int]], now: float) -> int:
        """Packets of the test are numbered from 1 on the wire; bytes found lost."""
        acked = self.out.acknowledge(ack, sacks)
        assert acked
        self.recovery.on_acked(acked, now)
        self.recovery.recovered()
        lost = self.recovery.find_lost(now)
        if lost:
            self.recovery.begin()
        return lost

    def lost(self) -> list[int]:
        return list(self.out.lost)


def test_a_packet_that_three_later_ones_overtook_is_lost_at_once() -> None:
    flight = Flight(5)
    assert flight.ack(1, [(2, 3)], 1.101) == 0
    assert flight.ack(1, [(2, 4)], 1.102) == 0
    assert flight.ack(1, [(2, 5)], 1.103) == 1172
    assert flight.lost() == [1]
    assert flight.recovery.episodes == 1
    assert flight.recovery.recovering


def test_a_packet_that_is_a_little_late_gets_a_quarter_of_a_round_trip() -> None:
    flight = Flight(3)
    assert flight.ack(1, [(2, 3)], 1.101) == 0
    assert flight.recovery.reorder_at == pytest.approx(1.0 + RTT + RTT / 4)
    assert flight.recovery.find_lost(1.12) == 0
    assert flight.recovery.find_lost(flight.recovery.reorder_at) == 1172
    assert flight.recovery.reorder_at == inf


def test_a_path_that_reorders_is_given_time_always() -> None:
    flight = Flight(6)
    flight.ack(1, [(3, 4)], 1.102)
    flight.ack(3, [(3, 4)], 1.103)
    assert flight.ack(4, [(5, 7)], 1.105) == 0, "two that came late had shown it"
    assert flight.recovery.reorder_at < inf


def test_packets_sent_after_the_newest_ack_are_not_judged() -> None:
    flight = Flight(4)
    flight.ack(1, [(2, 3)], 1.101)
    flight.recovery.find_lost(9.0)
    assert flight.lost() == [1]
    assert list(flight.out.flying) == [3, 4]


def test_repair_is_over_when_all_that_was_sent_before_it_is_acknowledged() -> None:
    flight = Flight(5)
    flight.ack(1, [(2, 5)], 1.103)
    flight.out.fly(flight.packets[0], 1.2)
    assert flight.recovery.recovering
    flight.ack(5, [], 1.21)
    assert flight.recovery.recovering
    flight.ack(6, [], 1.22)
    assert not flight.recovery.recovering
    assert flight.recovery.next_at == inf


def test_an_ack_that_may_answer_the_first_transmission_proves_nothing() -> None:
    flight = Flight(2)
    flight.recovery.on_timeout(3.0)
    assert flight.lost() == [1, 2]
    flight.out.fly(flight.packets[0], 3.0)
    before = flight.recovery.rtt.srtt
    flight.ack(2, [], 3.001)
    assert flight.recovery.rtt.srtt == before
    assert flight.recovery.rtt.smallest == RTT


def test_an_ack_that_answers_an_old_packet_late_measures_no_round_trip() -> None:
    flight = Flight(3)
    flight.out.fly(flight.packets[0], 5.0)
    before = flight.recovery.rtt.srtt
    flight.ack(4, [], 5.1)
    assert flight.recovery.rtt.srtt == before


def test_the_tail_is_probed_after_two_round_trips() -> None:
    flight = Flight(2)
    assert flight.recovery.probe_at == pytest.approx(1.001 + 2 * RTT)
    assert flight.recovery.timeout_at == pytest.approx(2.0)
    assert flight.recovery.probe_due()
    tail = flight.packets[1]
    flight.out.fly(tail, 1.2)
    flight.recovery.on_probed(tail, 1.2)
    assert flight.recovery.probe_at == inf
    assert flight.recovery.timeout_at == pytest.approx(2.2)
    assert not flight.recovery.probe_due(), "one probe, until a round trip was measured"
    assert flight.ack(1, [(2, 3)], 1.3) == 1172, "its ack shows what is missing before it"


def test_a_lone_packet_waits_for_a_slow_ack() -> None:
    flight = Flight(1)
    assert flight.recovery.probe_at == pytest.approx(1.0 + 2 * RTT + 0.002)


def test_a_timeout_loses_what_is_old_and_doubles() -> None:
    flight = Flight(3)
    flight.out.write(b"more")
    young = flight.send(1.95)
    assert flight.recovery.on_timeout(2.0)
    assert flight.lost() == [1, 2, 3]
    assert list(flight.out.flying) == [young.seq]
    assert flight.recovery.timeout_at == pytest.approx(2.0 + 2 * flight.recovery.rtt.rto)
    assert flight.recovery.timeouts == 1


def test_after_seven_timeouts_the_peer_is_gone() -> None:
    flight = Flight(1)
    now, answers = 2.0, []
    for _ in range(MAX_TIMEOUTS + 1):
        answers.append(flight.recovery.on_timeout(now))
        for packet in list(flight.out.lost.values()):
            flight.out.fly(packet, now)
        now += 2.0
    assert answers == [True] * MAX_TIMEOUTS + [False]


def test_ranges_that_contradict_the_ack_or_what_was_sent_are_ignored() -> None:
    flight = Flight(5)
    for wrong in [(1, 3), (0, 2), (3, 3), (4, 3), (3, 8), (-5, 4), (2**31, 2**31 + 4)]:
        assert flight.out.acknowledge(1, [wrong]) == []
    assert flight.out.sacked == 0
    assert len(flight.out.acknowledge(1, [(2, 3), (5, 6)])) == 2
    assert len(flight.out.acknowledge(1, [(2, 4), (5, 6)])) == 1
    assert flight.out.sacked == 3
    assert len(flight.out.acknowledge(6, [])) == 2
    assert flight.out.sacked == 0
    assert flight.out.inflight == 0
    assert flight.out.all_acked


def test_an_ack_up_to_what_was_in_a_range_covers_the_range() -> None:
    flight = Flight(5)
    flight.ack(1, [(3, 5)], 1.104)
    assert len(flight.out.acknowledge(3, [])) == 2
    assert flight.out.acked == 5
    assert flight.out.oldest() is flight.packets[4]
    assert flight.out.sacked == 0
