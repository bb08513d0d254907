"""Round-trip times of a stream, and the retransmission timeout that follows from them (RFC 6298).

Gains and bounds are libudx's: srtt moves by 1/8, its deviation by 1/4, the timeout is ``srtt + 4 * rttvar`` within 1
and 30 seconds. A sample of more than 5 s that also lies far outside the usual is taken for a machine that slept, and
cut.

Source: libudx as in npm udx-native 1.21.3 (src/udx.c: ack_packet, clamp_rtt).
"""

from __future__ import annotations

from math import inf
from typing import Final

MIN_RTO: Final = 1.0
MAX_RTO: Final = 30.0
MIN_RTT_WINDOW: Final = 300.0
"""Seconds after which the smallest round trip counts no longer; a path may have changed."""
SUSPICIOUS_RTT: Final = 5.0


class RttEstimate:
    """Smoothed round-trip time and what is derived from it, in seconds.

    Attributes:
        srtt: smoothed round trip; 0 before the first sample.
        rttvar: its smoothed deviation.
        rto: how long to wait for an ack before a packet counts as lost.
        smallest: shortest round trip of the last `MIN_RTT_WINDOW`; infinite before the first sample.
    """

    __slots__ = ("_smallest_at", "rto", "rttvar", "smallest", "srtt")

    def __init__(self) -> None:
        self.srtt = 0.0
        self.rttvar = 0.0
        self.rto = MIN_RTO
        self.smallest = inf
        self._smallest_at = 0.0

    def add(self, rtt: float, now: float) -> None:
        """Take in a sample, from a packet that was sent only once."""
        if rtt <= self.smallest or now - self._smallest_at > MIN_RTT_WINDOW:
            self.smallest = rtt
            self._smallest_at = now
        if self.srtt == 0.0:
            self.srtt = max(min(rtt, MAX_RTO), 1e-6)
            self.rttvar = self.srtt / 2
        else:
            usual = self.srtt + 5 * self.rttvar
            if rtt > usual and rtt > SUSPICIOUS_RTT:
                rtt = min(usual, MAX_RTO)
            self.rttvar = (3 * self.rttvar + abs(rtt - self.srtt)) / 4
            self.srtt = (7 * self.srtt + rtt) / 8
        self.rto = min(max(self.srtt + 4 * self.rttvar, MIN_RTO), MAX_RTO)
