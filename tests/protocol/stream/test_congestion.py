"""Round trips, pacing, delivery rate and BBR, each by itself."""

from __future__ import annotations

from math import inf

import pytest

from protocol.messages import Address
from protocol.stream.bbr import CYCLE, INITIAL_WINDOW, MIN_WINDOW, Bbr, Mode, WindowedMax
from protocol.stream.delivery import DeliveryRate, RateSample
from protocol.stream.outgoing import Path, Sent
from protocol.stream.pacer import MIN_BURST, Pacer
from protocol.stream.rtt import RttEstimate

PATH = Path(Address("198.51.100.2", 2002), 22)


def test_the_first_round_trip_sets_the_estimate() -> None:
    rtt = RttEstimate()
    assert (rtt.rto, rtt.smallest) == (1.0, inf)
    rtt.add(0.4, 10.0)
    assert (rtt.srtt, rtt.rttvar, rtt.smallest) == (0.4, 0.2, 0.4)
    assert rtt.rto == pytest.approx(1.2)


def test_estimates_move_as_libudx_moves_them() -> None:
    rtt = RttEstimate()
    rtt.add(0.8, 10.0)
    rtt.add(1.6, 11.0)
    assert rtt.rttvar == pytest.approx((3 * 0.4 + 0.8) / 4)
    assert rtt.srtt == pytest.approx((7 * 0.8 + 1.6) / 8)
    assert rtt.rto == pytest.approx(0.9 + 4 * 0.5)


def test_the_timeout_stays_between_one_and_thirty_seconds() -> None:
    rtt = RttEstimate()
    rtt.add(0.001, 1.0)
    assert rtt.rto == 1.0
    slow = RttEstimate()
    slow.add(29.0, 1.0)
    assert slow.rto == 30.0


def test_a_machine_that_slept_does_not_wait_for_ever() -> None:
    rtt = RttEstimate()
    for second in range(20):
        rtt.add(0.1, second)
    rtt.add(3600.0, 4000.0)
    assert rtt.rto < 2.0


def test_the_smallest_round_trip_is_forgotten_when_it_is_old() -> None:
    rtt = RttEstimate()
    rtt.add(0.1, 0.0)
    rtt.add(0.2, 299.0)
    assert rtt.smallest == 0.1
    rtt.add(0.2, 301.0)
    assert rtt.smallest == 0.2


def test_a_pacer_lets_a_burst_go_and_then_keeps_the_rate() -> None:
    pacer = Pacer(1_000_000.0)
    now, sent = 5.0, 0
    while now < 6.0:
        while pacer.may_send(now):
            pacer.spend(1172)
            sent += 1172
        ready = pacer.ready_at(now)
        assert ready > now
        now = ready
    assert sent == pytest.approx(1_000_000 + MIN_BURST, rel=0.01)


def test_a_pacer_does_not_save_up_for_long() -> None:
    pacer = Pacer(1_000_000.0)
    pacer.may_send(0.0)
    assert pacer.may_send(100.0)
    sent = 0
    while pacer.may_send(100.0):
        pacer.spend(1172)
        sent += 1172
    assert sent <= MIN_BURST + 1172


def sent(seq: int, size: int, at: float, rate: DeliveryRate, *, idle: bool = False) -> Sent:
    packet = Sent(seq, 1, bytes(size - 20), PATH, size)
    rate.stamp(packet, at, idle)
    packet.sent_at, packet.transmissions = at, 1
    return packet


def test_the_delivery_rate_is_what_came_through_in_between() -> None:
    rate = DeliveryRate()
    packets = [sent(n, 1000, n * 0.01, rate, idle=n == 0) for n in range(10)]
    first = rate.sample(packets[:1], 0, 0.05, 0.1)
    assert first.rtt == pytest.approx(0.1)
    assert (first.acked, first.delivered) == (1000, 1000)
    assert first.rate == pytest.approx(1000 / 0.1)
    for n in range(1, 10):
        sample = rate.sample([packets[n]], 0, 0.05, 0.1 + n * 0.01)
    assert sample.rate == pytest.approx(10_000 / 0.19)
    late = sent(10, 1000, 0.2, rate)
    assert late.delivered == 10_000
    sample = rate.sample([late], 0, 0.05, 0.29)
    assert sample.rate == pytest.approx(1000 / 0.11), "from 0.09 to 0.2 s of sending, which took longer than the acks"


def test_acks_in_a_bunch_prove_no_more_than_was_sent() -> None:
    rate = DeliveryRate()
    packets = [sent(n, 1000, n * 0.1, rate, idle=n == 0) for n in range(10)]
    assert rate.sample(packets, 0, 0.05, 0.91).rate == pytest.approx(10_000 / 0.91)


def test_a_rate_over_less_than_a_round_trip_is_chance() -> None:
    rate = DeliveryRate()
    packet = sent(0, 1000, 0.0, rate, idle=True)
    assert rate.sample([packet], 0, 0.05, 0.01).rate == 0.0


def test_what_the_program_did_not_send_is_not_the_paths_fault() -> None:
    rate = DeliveryRate()
    first = sent(0, 1000, 0.0, rate, idle=True)
    rate.ran_dry(1000)
    second = sent(1, 1000, 0.1, rate)
    assert not rate.sample([first], 0, 0.05, 0.1).app_limited
    assert rate.sample([second], 0, 0.05, 0.2).app_limited
    assert not rate.app_limited
    assert not sent(2, 1000, 0.3, rate).app_limited


def test_a_packet_sent_twice_measures_no_round_trip() -> None:
    rate = DeliveryRate()
    packet = sent(0, 1000, 0.0, rate, idle=True)
    packet.transmissions = 2
    assert rate.sample([packet], 0, 0.05, 0.1).rtt is None


def test_the_largest_of_the_last_rounds() -> None:
    largest = WindowedMax(3)
    assert largest.value == 0.0
    seen = []
    for number, value in enumerate([5.0, 9.0, 4.0, 3.0, 2.0, 6.0]):
        largest.add(number, value)
        seen.append(largest.value)
    assert seen == [5.0, 9.0, 9.0, 9.0, 4.0, 6.0]


class Road:
    """Acks of a path that carries `rate` bytes per second with a round trip of `rtt`."""

    def __init__(self, rate: float, rtt: float) -> None:
        self.bbr, self.rate, self.rtt = Bbr(), rate, rtt
        self.now, self.delivered = 1.0, 0

    def round(self, *, lost: int = 0, app_limited: bool = False) -> None:
        """One round trip in which the window was full."""
        held = self.rate * self.rtt
        amount = int(min(self.bbr.window, held))
        queue = max(0.0, self.bbr.window - held)
        took = self.rtt + queue / self.rate
        prior = self.delivered
        self.now += took
        self.delivered += amount
        sample = RateSample(amount, lost, took, prior, self.delivered, amount / self.rtt, app_limited)
        self.bbr.on_ack(sample, amount, self.now)


def test_startup_finds_the_rate_and_then_holds_what_the_path_holds() -> None:
    road = Road(1_000_000, 0.05)
    rounds = 0
    while road.bbr.mode is not Mode.PROBE_BW:
        road.round()
        rounds += 1
        assert rounds < 20
    assert road.bbr.bandwidth == pytest.approx(1_000_000, rel=0.05)
    for _ in range(20):
        road.round()
    assert 50_000 < road.bbr.window < 200_000
    assert road.bbr.pacing_rate == pytest.approx(0.99 * 1_000_000, rel=0.3)


def test_the_rate_is_tried_a_quarter_higher_once_in_a_cycle() -> None:
    road = Road(1_000_000, 0.05)
    rates = set()
    for _ in range(60):
        road.round(lost=1)
        if road.bbr.mode is Mode.PROBE_BW:
            rates.add(round(road.bbr.pacing_rate / road.bbr.bandwidth / 0.99, 2))
    assert rates == set(CYCLE)


def test_a_program_that_sends_little_does_not_end_startup() -> None:
    road = Road(1_000_000, 0.05)
    for _ in range(20):
        road.round(app_limited=True)
    assert road.bbr.mode is Mode.STARTUP


def test_an_old_round_trip_is_measured_again() -> None:
    road = Road(1_000_000, 0.05)
    modes: list[Mode] = []
    while road.now < 25.0:
        road.rtt += 0.0001
        road.round()
        if not modes or modes[-1] is not road.bbr.mode:
            modes.append(road.bbr.mode)
        if road.bbr.mode is Mode.PROBE_RTT:
            assert road.bbr.window == MIN_WINDOW
            road.bbr.on_ack(RateSample(0, 0, None, 0, road.delivered, 0.0, False), 0, road.now)
    assert modes[:4] == [Mode.STARTUP, Mode.PROBE_BW, Mode.PROBE_RTT, Mode.PROBE_BW]


def test_a_loss_costs_one_round_of_caution() -> None:
    road = Road(1_000_000, 0.05)
    for _ in range(20):
        road.round()
    before = road.bbr.window
    road.bbr.on_loss(20_000, 1172, road.delivered)
    assert road.bbr.window == 21_172
    road.round()
    road.bbr.on_recovered()
    assert road.bbr.window >= before
    assert road.bbr.bandwidth == pytest.approx(1_000_000, rel=0.05), "a loss does not change the model"


def test_a_timeout_leaves_one_packet() -> None:
    bbr = Bbr()
    bbr.on_timeout()
    assert bbr.window == 1172
    bbr.on_recovered()
    assert bbr.window == INITIAL_WINDOW
