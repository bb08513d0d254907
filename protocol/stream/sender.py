"""The sending half of a stream: which packet goes out now, and what an ack changes.

Joins the queue of packets (`outgoing`), what is lost (`recovery`), how fast the path delivers (`delivery`), how much
may be in flight (`bbr`) and how it is spread over time (`pacer`). A new packet goes out when the congestion window,
the peer's receive window and the pacer allow it; a lost one needs no receive window, for the peer had room for it
once.

Acks change at once what is in flight. What follows from them (round trips, losses, the model of the path) is worked out
when the next packet is asked for, for all acks since the last time together: a program that reads a batch of them from
its socket pays once.

A peer without room gets a HEARTBEAT from time to time, whose ack says how much room there is (libudx's zero-window
probe).
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Final

from protocol.stream.bbr import Bbr
from protocol.stream.delivery import DeliveryRate
from protocol.stream.incoming import RECEIVE_WINDOW
from protocol.stream.outgoing import SEND_BUFFER, Outgoing, Path, Sent
from protocol.stream.pacer import Pacer
from protocol.stream.recovery import Recovery

MAX_MESSAGES: Final = 64
"""Unordered messages that wait to be sent at most."""


class Sender:
    """Everything that our direction of a stream needs.

    Attributes:
        outgoing: bytes and packets.
        recovery: round-trip estimate, losses and their deadlines.
        congestion: window and pacing rate.
        full: the owner was told that the buffer is full.
        peer_window: bytes that the peer has room for.
        messages: unordered ones that wait; they go first, and nothing here keeps them back.
        heartbeat_due: the peer is to be asked for its window.
        retransmissions: packets sent again.
    """

    __slots__ = (
        "_acked", "_acked_at", "_delivery", "_pace_at", "_pacer", "_probe_due", "_window_from", "_zero_window_at",
        "congestion", "full", "heartbeat_due", "messages", "outgoing", "peer_window", "recovery", "retransmissions",
    )  # fmt: skip

    def __init__(self, seq: int, ack: int) -> None:
        self.outgoing = Outgoing(seq)
        self.recovery = Recovery(self.outgoing)
        self.congestion = Bbr()
        self.full = False
        self.peer_window = RECEIVE_WINDOW
        self.heartbeat_due = False
        self.messages: deque[bytes] = deque()
        self.retransmissions = 0
        self._pacer = Pacer(self.congestion.pacing_rate)
        self._delivery = DeliveryRate()
        self._window_from = (ack, seq)
        self._acked: list[Sent] = []
        self._acked_at = 0.0
        self._probe_due = False
        self._pace_at = inf
        self._zero_window_at = inf

    def write(self, data: bytes) -> bool:
        """Queue bytes, unless `full`; False when the buffer is full with them."""
        self.outgoing.write(data)
        self.full = self.outgoing.unsent >= SEND_BUFFER
        return not self.full

    def queue_message(self, data: bytes) -> bool:
        """Queue an unordered message; False when there is no room."""
        if len(self.messages) >= MAX_MESSAGES:
            return False
        self.messages.append(data)
        return True

    def drained(self) -> bool:
        """Whether a buffer that was full is half empty again; true once."""
        if self.full and self.outgoing.unsent <= SEND_BUFFER // 2:
            self.full = False
            return True
        return False

    @property
    def ended(self) -> bool:
        """Whether the peer has everything up to our END."""
        return self.outgoing.end_seq is not None and self.outgoing.acked > self.outgoing.end_seq

    @property
    def only_end_missing(self) -> bool:
        """Whether the peer acknowledged all data, and not our END."""
        return self.outgoing.acked == self.outgoing.end_seq

    @property
    def next_at(self) -> float:
        """The earliest deadline."""
        return min(self.recovery.next_at, self._pace_at, self._zero_window_at)

    def next_packet(self, path: Path, now: float) -> Sent | None:
        """The packet that may go out now; the caller sends it. A new one takes `path`."""
        if self._acked:
            self._learn()
        packet = self._choose(path, now)
        if packet is None:
            return None
        outgoing = self.outgoing
        idle = outgoing.inflight == 0
        if idle and self._delivery.app_limited:
            self.congestion.on_restart(now)
        self._delivery.stamp(packet, now, idle)
        outgoing.fly(packet, now)
        if packet.retransmitted:
            self.retransmissions += 1
        self._pacer.spend(packet.size)
        self.recovery.on_sent(packet, now)
        if self._probe_due:
            self._probe_due = False
            self.recovery.on_probed(packet, now)
        return packet

    def on_ack(self, seq: int, ack: int, sacks: list[tuple[int, int]], window: int, now: float) -> None:
        """Take in the acknowledgement of a packet.

        Args:
            seq: the packet's own number; a window counts only when it is not from before the one known.
            ack: the number that the peer expects next; not beyond what was sent.
            sacks: ranges beyond it.
            window: the peer's receive window, bytes.
            now: when it came.
        """
        outgoing = self.outgoing
        if ack >= outgoing.acked and (seq, ack) >= self._window_from:
            self.peer_window = window
            self._window_from = (seq, ack)
            if window:
                self._zero_window_at = inf
        acked = outgoing.acknowledge(ack, sacks)
        if acked:
            self._acked += acked
            self._acked_at = now

    def handle_timeout(self, path: Path, now: float) -> bool:
        """Do what is due; False when the peer is to be given up. Packets that timed out take `path` from here on."""
        if self._acked:
            self._learn()
        recovery = self.recovery
        if now >= self._pace_at:
            self._pace_at = inf
        if now >= recovery.timeout_at:
            if not recovery.on_timeout(now):
                return False
            for packet in self.outgoing.lost.values():
                packet.path = path
            self._probe_due = False
            self.congestion.on_timeout()
        elif now >= recovery.probe_at:
            self._probe_due = recovery.probe_due()
        if now >= recovery.reorder_at and recovery.find_lost(now) and recovery.begin():
            self.congestion.on_loss(self.outgoing.inflight, 0, self._delivery.delivered)
        if now >= self._zero_window_at:
            self.heartbeat_due = True
            self._zero_window_at = now + 2 * recovery.rtt.rto
        return True

    def stop(self) -> None:
        """Nothing is sent any more."""
        self.outgoing.clear()
        self._acked.clear()
        self.messages.clear()
        self.recovery.stop()
        self.heartbeat_due = False
        self._pace_at = self._zero_window_at = inf

    def _learn(self) -> None:
        """What follows from the acks that came since the last time."""
        acked, now, outgoing, recovery = self._acked, self._acked_at, self.outgoing, self.recovery
        self._acked = []
        recovery.on_acked(acked, now)
        if recovery.recovered():
            self.congestion.on_recovered()
        lost = recovery.find_lost(now)
        if lost and recovery.begin():
            size = sum(packet.size for packet in acked)
            self.congestion.on_loss(outgoing.inflight, size, self._delivery.delivered + size)
        sample = self._delivery.sample(acked, lost, recovery.rtt.smallest, now)
        self.congestion.on_ack(sample, outgoing.inflight, now)
        self._pacer.rate = self.congestion.pacing_rate

    def _choose(self, path: Path, now: float) -> Sent | None:
        outgoing = self.outgoing
        if self._probe_due:
            if outgoing.has_new:
                return outgoing.make(path)
            tail = outgoing.flying.get(outgoing.next_seq - 1)
            if tail is not None:
                return tail
            self._probe_due = False
        if not outgoing.lost and not self._new_allowed(now):
            return None
        if outgoing.inflight >= self.congestion.window:
            return None
        if not self._pacer.may_send(now):
            self._pace_at = self._pacer.ready_at(now)
            return None
        if outgoing.lost:
            packet = next(iter(outgoing.lost.values()))
            if packet.retransmitted:
                packet.path = path
            return packet
        return outgoing.make(path)

    def _new_allowed(self, now: float) -> bool:
        """Whether there is a new packet and the peer has room for it; sees to the deadlines when not."""
        outgoing = self.outgoing
        if not outgoing.has_new:
            if outgoing.inflight < self.congestion.window:
                self._delivery.ran_dry(outgoing.inflight)
            return False
        size = outgoing.next_size()
        if not size or outgoing.inflight + size <= self.peer_window or (self.peer_window and not outgoing.inflight):
            return True
        if not self.peer_window and outgoing.all_acked and self._zero_window_at == inf:
            self._zero_window_at = now + self.recovery.rtt.rto
        return False
