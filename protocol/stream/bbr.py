"""How much may be in flight and how fast it goes out: BBR, version 1.

The window follows a model of the path instead of its losses: the largest delivery rate of the last ten round trips
times the smallest round trip of the last ten seconds is what the path holds. STARTUP doubles the rate each round
until it stops growing, DRAIN empties the queue this made, PROBE_BW stays at the rate and tries a quarter more once in
eight round trips, PROBE_RTT empties the path when the smallest round trip is old. After losses, one round sends only
what was acknowledged.

Of the phases of PROBE_BW the first is always the same one; the draft draws it, to keep flows of one host out of step.

Source: draft-cardwell-iccrg-bbr-congestion-control-00; libudx has the same model (src/udx_bbr.c), from which come the
allowance for acks that arrive in bunches and the 1 % that pacing stays below the rate.
"""

from __future__ import annotations

from collections import deque
from enum import Enum, auto
from math import inf
from typing import Final

from protocol.stream.delivery import RateSample
from protocol.stream.packet import MAX_PAYLOAD

FULL_PACKET: Final = MAX_PAYLOAD + 20
INITIAL_WINDOW: Final = 10 * FULL_PACKET
MIN_WINDOW: Final = 4 * FULL_PACKET

HIGH_GAIN: Final = 2.885
"""2 / ln 2: the smallest gain that doubles the delivery rate each round."""
WINDOW_GAIN: Final = 2.0
CYCLE: Final = (1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
FIRST_PHASE: Final = 2
PACING_MARGIN: Final = 0.99

RATE_ROUNDS: Final = 10
FULL_GROWTH: Final = 1.25
FULL_ROUNDS: Final = 3
MIN_RTT_LIFETIME: Final = 10.0
PROBE_RTT_TIME: Final = 0.2
FINEST_TIME: Final = 0.001
"""Shortest round trip that the window is made for. A program wakes up no finer, and would leave a faster path idle."""
MAX_BUNCH_TIME: Final = 0.1
"""At most this much of sending is allowed for acks in bunches."""


class Mode(Enum):
    """What BBR is trying to learn."""

    STARTUP = auto()
    DRAIN = auto()
    PROBE_BW = auto()
    PROBE_RTT = auto()


class WindowedMax:
    """The largest value of the last `length` rounds."""

    __slots__ = ("_length", "_values")

    def __init__(self, length: int) -> None:
        self._length = length
        self._values: deque[tuple[int, float]] = deque()

    @property
    def value(self) -> float:
        """The largest value; 0 before the first."""
        return self._values[0][1] if self._values else 0.0

    def add(self, round_number: int, value: float) -> None:
        """Take in a value of the given round."""
        values = self._values
        while values and values[-1][1] <= value:
            values.pop()
        values.append((round_number, value))
        while values[0][0] <= round_number - self._length:
            values.popleft()


class Bbr:
    """The congestion window and the pacing rate of a stream.

    Attributes:
        window: bytes that may be in flight.
        pacing_rate: bytes per second.
        mode: what it does at the moment.
    """

    def __init__(self) -> None:
        self.window = INITIAL_WINDOW
        self.mode = Mode.STARTUP
        self.min_rtt = inf
        self.pacing_rate = HIGH_GAIN * INITIAL_WINDOW / FINEST_TIME
        self._pacing_gain = HIGH_GAIN
        self._window_gain = HIGH_GAIN
        self._rates = WindowedMax(RATE_ROUNDS)
        self._round = 0
        self._round_ends = 0
        self._full_rate = 0.0
        self._full_rounds = 0
        self._filled = False
        self._min_rtt_at = 0.0
        self._probe_done_at: float | None = None
        self._phase = 0
        self._phase_at = 0.0
        self._saved_window = 0
        self._recovering = False
        self._conserving = False
        self._bunches = WindowedMax(RATE_ROUNDS)
        self._bunch_acked = 0
        self._bunch_at = 0.0

    @property
    def bandwidth(self) -> float:
        """Bytes per second that the path was seen to carry."""
        return self._rates.value

    def on_ack(self, sample: RateSample, inflight: int, now: float) -> None:
        """Take in what an ack told; `inflight` counts the bytes still on their way."""
        new_round = sample.prior_delivered >= self._round_ends
        if new_round:
            self._round += 1
            self._round_ends = sample.delivered
            self._conserving = False
        if sample.rate and (sample.rate >= self.bandwidth or not sample.app_limited):
            self._rates.add(self._round, sample.rate)
        self._count_bunch(sample.acked, now)
        if self.mode is Mode.PROBE_BW:
            self._next_phase(sample.lost, inflight, now)
        if new_round and not self._filled and not sample.app_limited:
            self._check_full()
        if self.mode is Mode.STARTUP and self._filled:
            self._enter(Mode.DRAIN, 1 / HIGH_GAIN, HIGH_GAIN)
        if self.mode is Mode.DRAIN and inflight <= self._held_by_path(1.0):
            self._probe_bandwidth(now)
        self._update_min_rtt(sample.rtt, inflight, new_round, now)
        self._set_rate()
        self._set_window(sample, inflight)

    def on_loss(self, inflight: int, acked: int, delivered: int) -> None:
        """Packets were found lost, for the first time since the last recovery.

        Args:
            inflight: bytes still on their way.
            acked: bytes that the ack which showed the loss acknowledged.
            delivered: bytes delivered in all; conserving packets lasts for the round that starts here.
        """
        self._save_window()
        self._recovering = self._conserving = True
        self._round_ends = delivered
        self.window = max(inflight + max(acked, FULL_PACKET), MIN_WINDOW)

    def on_timeout(self) -> None:
        """The retransmission timer ran out: one packet goes, and its ack starts again."""
        self._save_window()
        self._recovering = True
        self._conserving = False
        self.window = FULL_PACKET

    def on_recovered(self) -> None:
        """Everything sent before the loss is acknowledged."""
        self._recovering = self._conserving = False
        self.window = max(self.window, self._saved_window)

    def on_restart(self, now: float) -> None:
        """Sending starts again after the program had nothing to send."""
        self._bunch_acked = 0
        self._bunch_at = now
        if self.mode is Mode.PROBE_BW and self.bandwidth:
            self.pacing_rate = self.bandwidth * PACING_MARGIN

    def _enter(self, mode: Mode, pacing_gain: float, window_gain: float) -> None:
        self.mode = mode
        self._pacing_gain = pacing_gain
        self._window_gain = window_gain

    def _probe_bandwidth(self, now: float) -> None:
        self._phase = FIRST_PHASE
        self._phase_at = now
        self._enter(Mode.PROBE_BW, CYCLE[FIRST_PHASE], WINDOW_GAIN)

    def _next_phase(self, lost: int, inflight: int, now: float) -> None:
        over = now - self._phase_at > self.min_rtt
        if self._pacing_gain > 1:
            over = over and (lost > 0 or inflight >= self._held_by_path(self._pacing_gain))
        elif self._pacing_gain < 1:
            over = over or inflight <= self._held_by_path(1.0)
        if over:
            self._phase = (self._phase + 1) % len(CYCLE)
            self._phase_at = now
            self._pacing_gain = CYCLE[self._phase]

    def _check_full(self) -> None:
        if self.bandwidth >= self._full_rate * FULL_GROWTH:
            self._full_rate = self.bandwidth
            self._full_rounds = 0
        else:
            self._full_rounds += 1
            self._filled = self._full_rounds >= FULL_ROUNDS

    def _update_min_rtt(self, rtt: float | None, inflight: int, new_round: bool, now: float) -> None:
        expired = now - self._min_rtt_at > MIN_RTT_LIFETIME
        if rtt is not None and (rtt <= self.min_rtt or expired):
            self.min_rtt = rtt
            self._min_rtt_at = now
        if expired and self.mode is not Mode.PROBE_RTT and self._filled:
            self._save_window()
            self._enter(Mode.PROBE_RTT, 1.0, 1.0)
            self._probe_done_at = None
        if self.mode is Mode.PROBE_RTT:
            if self._probe_done_at is None:
                if inflight <= MIN_WINDOW:
                    self._probe_done_at = now + PROBE_RTT_TIME
            elif now >= self._probe_done_at and new_round:
                self._min_rtt_at = now
                self.window = max(self.window, self._saved_window)
                self._probe_bandwidth(now)

    def _set_rate(self) -> None:
        if not self.bandwidth:
            if self.min_rtt < inf:
                self.pacing_rate = HIGH_GAIN * self.window / max(self.min_rtt, FINEST_TIME)
            return
        rate = self._pacing_gain * self.bandwidth * PACING_MARGIN
        if self._filled or rate > self.pacing_rate:
            self.pacing_rate = max(rate, FULL_PACKET)

    def _set_window(self, sample: RateSample, inflight: int) -> None:
        window = self.window
        if self._recovering and sample.lost:
            window = max(window - sample.lost, FULL_PACKET)
        if self._conserving:
            window = max(window, inflight + sample.acked)
        else:
            target = int(self._held_by_path(self._window_gain) + self._bunch_allowance())
            if self._filled:
                window = min(window + sample.acked, target)
            elif window < target or sample.delivered < INITIAL_WINDOW:
                window += sample.acked
        window = max(window, MIN_WINDOW)
        self.window = MIN_WINDOW if self.mode is Mode.PROBE_RTT else window

    def _held_by_path(self, gain: float) -> float:
        if self.min_rtt == inf or not self.bandwidth:
            return gain * INITIAL_WINDOW
        return gain * self.bandwidth * max(self.min_rtt, FINEST_TIME) + 3 * FULL_PACKET

    def _count_bunch(self, acked: int, now: float) -> None:
        expected = self.bandwidth * (now - self._bunch_at)
        if self._bunch_acked <= expected:
            self._bunch_acked = 0
            self._bunch_at = now
            expected = 0.0
        self._bunch_acked += acked
        self._bunches.add(self._round, min(self._bunch_acked - expected, self.window))

    def _bunch_allowance(self) -> float:
        return min(self._bunches.value, self.bandwidth * MAX_BUNCH_TIME) if self._filled else 0.0

    def _save_window(self) -> None:
        if self._recovering or self.mode is Mode.PROBE_RTT:
            self._saved_window = max(self._saved_window, self.window)
        else:
            self._saved_window = self.window
