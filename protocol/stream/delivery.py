"""How fast data arrives at the peer, measured ack by ack.

Each packet remembers, from the moment it was sent, how much had been delivered by then and when. When it is
acknowledged, the difference is what the path carried in between. The interval is the longer one of sending and
acknowledging, so that neither a burst of packets nor a burst of acks looks like bandwidth.

Source: draft-cheng-iccrg-delivery-rate-estimation-02, which libudx follows too (src/udx_rate.c). Unlike there, amounts
are bytes and times seconds.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocol.stream.outgoing import Sent

NOT_LIMITED: Final = -1


class RateSample(NamedTuple):
    """What one ack tells about the path."""

    acked: int
    """Bytes that this ack newly acknowledged, sacked ones included."""
    lost: int
    """Bytes found lost through this ack."""
    rtt: float | None
    """Round trip of the newest packet, unless it was sent twice."""
    prior_delivered: int
    """Bytes delivered when that packet was sent."""
    delivered: int
    """Bytes delivered in all, this ack included."""
    rate: float
    """Bytes per second; 0 where the ack proves none."""
    app_limited: bool
    """The rate is what the program wanted to send rather than what the path can carry."""


class DeliveryRate:
    """Counts delivered bytes and makes a sample of each ack.

    Attributes:
        delivered: bytes that the peer has acknowledged in all.
    """

    __slots__ = ("_delivered_at", "_first_sent_at", "_limited_until", "delivered")

    def __init__(self) -> None:
        self.delivered = 0
        self._delivered_at = 0.0
        self._first_sent_at = 0.0
        self._limited_until = NOT_LIMITED

    def stamp(self, packet: Sent, now: float, idle: bool) -> None:
        """A packet goes out; `idle` when nothing else is on its way."""
        if idle:
            self._first_sent_at = self._delivered_at = now
        packet.delivered = self.delivered
        packet.delivered_at = self._delivered_at
        packet.first_sent_at = self._first_sent_at
        packet.app_limited = self._limited_until != NOT_LIMITED

    def ran_dry(self, inflight: int) -> None:
        """There was room in the window but nothing to send: what is in flight does not measure the path."""
        self._limited_until = self.delivered + inflight

    @property
    def app_limited(self) -> bool:
        """Whether the program sends less than the window allows."""
        return self._limited_until != NOT_LIMITED

    def sample(self, acked: list[Sent], lost: int, smallest_rtt: float, now: float) -> RateSample:
        """The sample of an ack, or of several that came together.

        Args:
            acked: packets newly acknowledged, at least one.
            lost: bytes found lost through it.
            smallest_rtt: a rate over less than this is chance.
            now: when it came.
        """
        size = 0
        newest = acked[0]
        for packet in acked:
            size += packet.size
            if packet.sent_at >= newest.sent_at:
                newest = packet
        self.delivered += size
        self._delivered_at = now
        if self.delivered > self._limited_until:
            self._limited_until = NOT_LIMITED
        self._first_sent_at = newest.sent_at
        interval = max(newest.sent_at - newest.first_sent_at, now - newest.delivered_at)
        rate = (self.delivered - newest.delivered) / interval if interval >= smallest_rtt and interval > 0 else 0.0
        rtt = None if newest.retransmitted else now - newest.sent_at
        return RateSample(size, lost, rtt, newest.delivered, self.delivered, rate, newest.app_limited)
