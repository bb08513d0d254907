"""When a packet counts as lost: by the order of acks, by a probe of the tail, and last by a timeout.

- RACK (RFC 8985, 6): a packet is lost when one sent later has been delivered and a round trip, plus a window for
  reordering, has passed since it was sent. The window is a quarter of the smallest round trip, or nothing once
  three packets were sacked or a loss is being repaired, as long as no reordering was seen.
- TLP (RFC 8985, 7): when the tail of a flight stays unacknowledged for two round trips, a new packet or the last
  one goes out, so that its ack shows what is missing.
- RTO (RFC 6298): when nothing helps, the oldest packet is lost, and all that are older than the window. The first
  timeout is the estimated one, every further one twice that, as in libudx. The seventh of one packet means that
  the peer is gone.

Source: libudx as in npm udx-native 1.21.3 (src/udx.c: rack_detect_loss, udx_tlp_timeout, udx_rto_timeout).
"""

from __future__ import annotations

from math import inf
from typing import Final

from protocol.stream.outgoing import Outgoing, Sent
from protocol.stream.rtt import MAX_RTO, RttEstimate

MAX_TIMEOUTS: Final = 6
"""Timeouts of one packet after which it is still sent again."""
MAX_ACK_DELAY: Final = 0.002
"""How long the ack of a lone packet may take longer."""
MIN_PROBE_TIMEOUT: Final = 0.01
"""A tail is not probed earlier: a program that was busy for so long is no sign of loss."""
MANY_SACKED: Final = 3
_ROUNDING: Final = 1e-6


class Recovery:
    """Finds lost packets in `outgoing`, and keeps the deadlines for it.

    Attributes:
        rtt: the round-trip estimate.
        reorder_at: when a packet that may only be late counts as lost; infinite for never.
        probe_at: when the tail is probed.
        timeout_at: when the retransmission timer runs out.
        recovering: losses are being repaired; ends when all that was sent before them is acknowledged.
        episodes: how often that began.
        timeouts: how often the retransmission timer ran out.
    """

    __slots__ = (
        "_high_seq", "_highest_acked", "_newest", "_newest_rtt", "_outgoing", "_probe_allowed", "_probe_seq",
        "_reordering", "episodes", "probe_at", "recovering", "reorder_at", "rtt", "timeout_at", "timeouts",
    )  # fmt: skip

    def __init__(self, outgoing: Outgoing) -> None:
        self.rtt = RttEstimate()
        self.reorder_at = self.probe_at = self.timeout_at = inf
        self.recovering = False
        self.episodes = 0
        self.timeouts = 0
        self._outgoing = outgoing
        self._highest_acked = outgoing.acked
        self._high_seq = outgoing.acked
        self._newest = (-inf, -1)
        self._newest_rtt = 0.0
        self._reordering = False
        self._probe_seq: int | None = None
        self._probe_allowed = False

    @property
    def next_at(self) -> float:
        """The earliest deadline."""
        return min(self.reorder_at, self.probe_at, self.timeout_at)

    def on_sent(self, packet: Sent, now: float) -> None:
        """A packet went out."""
        if self.timeout_at == inf:
            self.timeout_at = now + self.rtt.rto
        if not packet.retransmitted:
            self._schedule_probe(now)

    def on_acked(self, packets: list[Sent], now: float) -> None:
        """Acks newly acknowledged `packets`, at least one; `now` is when the last ack came."""
        newest: Sent | None = None
        latest = packets[0]
        for packet in packets:
            if (packet.sent_at, packet.seq) > (latest.sent_at, latest.seq):
                latest = packet
            if packet.seq >= self._highest_acked:
                self._highest_acked = packet.seq + 1
            elif not packet.retransmitted:
                self._reordering = True
            if packet.retransmitted and now - packet.sent_at < self.rtt.smallest:
                continue
            if newest is None or (packet.sent_at, packet.seq) > (newest.sent_at, newest.seq):
                newest = packet
        # Packets before the latest may have waited for this ack because the one that was theirs got lost.
        if not latest.retransmitted:
            self.rtt.add(now - latest.sent_at, now)
            self._probe_allowed = True
        if newest is not None:
            self._newest_rtt = now - newest.sent_at
            self._newest = max(self._newest, (newest.sent_at, newest.seq))
        outgoing = self._outgoing
        if self._probe_seq is not None and outgoing.acked > self._probe_seq:
            self._probe_seq = None
        if outgoing.all_acked:
            self.timeout_at = self.probe_at = self.reorder_at = inf
        else:
            self.timeout_at = now + self.rtt.rto
            self._schedule_probe(now)

    def recovered(self) -> bool:
        """Whether the repair that was going on is complete; asked after each ack, true once."""
        if self.recovering and self._outgoing.acked >= self._high_seq:
            self.recovering = False
            return True
        return False

    def find_lost(self, now: float) -> int:
        """Move packets that RACK holds for lost to `outgoing.lost`; bytes of them. Sets `reorder_at`."""
        window = self._reorder_window()
        latest = -inf
        lost: list[Sent] = []
        for packet in self._outgoing.flying.values():
            sent = (packet.sent_at, packet.seq)
            if packet.sent_at > self._newest[0]:
                break
            if sent >= self._newest:
                continue
            due = packet.sent_at + self._newest_rtt + window
            if due <= now + _ROUNDING:
                lost.append(packet)
            else:
                latest = max(latest, due)
        for packet in lost:
            self._outgoing.lose(packet)
        self.reorder_at = latest if latest > -inf else inf
        return sum(packet.size for packet in lost)

    def begin(self) -> bool:
        """Losses were found: whether a new repair begins with them."""
        if self.recovering:
            return False
        self.recovering = True
        self.episodes += 1
        self._high_seq = self._outgoing.next_seq
        self.probe_at = inf
        self._probe_seq = None
        return True

    def on_timeout(self, now: float) -> bool:
        """The retransmission timer ran out: move what is lost; False when the peer is gone."""
        outgoing = self._outgoing
        self.timeouts += 1
        self.recovering = True
        self._high_seq = outgoing.next_seq
        self._probe_seq = None
        self.reorder_at = self.probe_at = inf
        self.timeout_at = now + min(2 * self.rtt.rto, MAX_RTO)
        oldest = outgoing.oldest()
        if oldest.timeouts >= MAX_TIMEOUTS:
            return False
        oldest.timeouts += 1
        horizon = now - self._newest_rtt - self._reorder_window() + _ROUNDING
        for packet in [packet for packet in outgoing.flying.values() if packet is oldest or packet.sent_at <= horizon]:
            outgoing.lose(packet)
        outgoing.sort_lost()
        return True

    def probe_due(self) -> bool:
        """The probe timer ran out: whether a probe is to be sent; then `on_probed` says which packet it was."""
        self.probe_at = inf
        return self._probe_seq is None and self._probe_allowed and not self._outgoing.all_acked

    def on_probed(self, packet: Sent, now: float) -> None:
        """A probe went out."""
        self._probe_seq = packet.seq
        self._probe_allowed = False
        self.timeout_at = now + self.rtt.rto
        self.probe_at = inf

    def stop(self) -> None:
        """No deadline is left."""
        self.reorder_at = self.probe_at = self.timeout_at = inf

    def _reorder_window(self) -> float:
        if not self._reordering and (self.recovering or self._outgoing.sacked >= MANY_SACKED):
            return 0.0
        return min(self.rtt.smallest / 4, self.rtt.srtt) if self.rtt.smallest < inf else 0.0

    def _schedule_probe(self, now: float) -> None:
        outgoing = self._outgoing
        if self.recovering or outgoing.sacked or outgoing.all_acked or not self.rtt.srtt:
            self.probe_at = inf
            return
        wait = max(2 * self.rtt.srtt, MIN_PROBE_TIMEOUT)
        if len(outgoing.flying) + len(outgoing.lost) == 1:
            wait += MAX_ACK_DELAY
        self.probe_at = min(now + wait, self.timeout_at)
