"""What a stream sends: bytes not yet in a packet, packets on their way, packets to send again.

Packets in flight are kept in the order of their last transmission, which is the order in which loss shows. Each keeps
the path it was first sent on: after a change of remote, what is in flight still belongs to the remote before.

Source: libudx as in npm udx-native 1.21.3 (src/udx.c: send_new_packet, ack_packet, udx_sack_is_valid).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from protocol.constants import UDX_HEADER_SIZE
from protocol.messages import Address
from protocol.stream.packet import DATA, END, MAX_PAYLOAD

SEND_BUFFER: Final = 256 * 1024
"""Bytes waiting for a packet beyond which `send` asks for a pause (libudx's UDX_HIGH_WATERMARK)."""


class Path(NamedTuple):
    """Where packets go: an address, and the id that the stream has there."""

    addr: Address
    remote_id: int


@dataclass(slots=True, eq=False)
class Sent:
    """A packet with a sequence number, from its first transmission to its acknowledgement."""

    seq: int
    flags: int
    data: bytes
    path: Path
    size: int
    """Bytes with header."""
    sent_at: float = 0.0
    """Last transmission."""
    transmissions: int = 0
    timeouts: int = 0
    delivered: int = 0
    delivered_at: float = 0.0
    first_sent_at: float = 0.0
    app_limited: bool = False

    @property
    def retransmitted(self) -> bool:
        """Whether an ack of it leaves open which transmission it answers."""
        return self.transmissions > 1


class Outgoing:
    """The sending direction, without any notion of when.

    Attributes:
        next_seq: number of the next new packet.
        acked: every packet below it is acknowledged.
        flying: packets on their way, last transmission last.
        lost: packets to be sent again, in that order.
        inflight: bytes of `flying`.
        sacked: packets beyond `acked` that the peer has.
        ended: END was asked for.
        end_seq: number of the packet that carries END, once there is one.
    """

    __slots__ = (
        "_seen", "_unsent", "acked", "end_seq", "ended", "flying", "inflight", "lost", "next_seq", "sacked",
    )  # fmt: skip

    def __init__(self, seq: int) -> None:
        self.next_seq = seq
        self.acked = seq
        self.flying: dict[int, Sent] = {}
        self.lost: dict[int, Sent] = {}
        self.inflight = 0
        self.sacked = 0
        self.ended = False
        self.end_seq: int | None = None
        self._unsent = bytearray()
        self._seen: dict[int, int] = {}

    @property
    def unsent(self) -> int:
        """Bytes that wait for a packet."""
        return len(self._unsent)

    @property
    def has_new(self) -> bool:
        """Whether a new packet could be made."""
        return bool(self._unsent) or (self.ended and self.end_seq is None)

    @property
    def all_acked(self) -> bool:
        """Whether no packet waits for its ack."""
        return self.acked == self.next_seq

    def write(self, data: bytes) -> None:
        """Queue bytes behind those that wait."""
        self._unsent += data

    def end(self) -> None:
        """After the bytes that wait comes END."""
        self.ended = True

    def next_size(self) -> int:
        """Bytes of data that the next new packet would carry."""
        return min(len(self._unsent), MAX_PAYLOAD)

    def make(self, path: Path) -> Sent:
        """The next new packet; it is not in flight until `fly`. Only when `has_new`.

        END goes alone. A peer that is done forgets the stream and acknowledges nothing twice; when its last ack is
        lost, a bare END is the one packet of which that need not worry anybody.
        """
        length = self.next_size()
        with memoryview(self._unsent) as view:
            data = view[:length].tobytes()
        del self._unsent[:length]
        if not length:
            self.end_seq = self.next_seq
        packet = Sent(self.next_seq, DATA if length else END, data, path, length + UDX_HEADER_SIZE)
        self.next_seq += 1
        return packet

    def fly(self, packet: Sent, now: float) -> None:
        """A packet, new, lost or in flight already, goes out."""
        if self.flying.pop(packet.seq, None) is None:
            self.lost.pop(packet.seq, None)
            self.inflight += packet.size
        self.flying[packet.seq] = packet
        packet.sent_at = now
        packet.transmissions += 1

    def lose(self, packet: Sent) -> None:
        """A packet in flight will not arrive."""
        del self.flying[packet.seq]
        self.lost[packet.seq] = packet
        self.inflight -= packet.size

    def oldest(self) -> Sent:
        """The packet that the cumulative ack waits for. Only unless `all_acked`."""
        return self.flying.get(self.acked) or self.lost[self.acked]

    def sort_lost(self) -> None:
        """Send lost packets again in the order of their numbers."""
        self.lost = dict(sorted(self.lost.items()))

    def acknowledge(self, ack: int, sacks: list[tuple[int, int]]) -> list[Sent]:
        """Take in an ack and its ranges: the packets that they newly acknowledge.

        A range outside of what is sent and not acknowledged is ignored, as in libudx, and one that holds the packet
        which `ack` says is missing. An `ack` beyond what is sent must not come here.
        """
        delivered: list[Sent] = []
        for seq in range(self.acked, ack):
            packet = self._take(seq)
            if packet is None:
                self.sacked -= 1
            else:
                delivered.append(packet)
        self.acked = max(self.acked, ack)
        while self.sacked and self.acked not in self.flying and self.acked not in self.lost:
            # A peer may acknowledge up to a packet that it had in a range; what it had it has.
            self.acked += 1
            self.sacked -= 1
        seen: dict[int, int] = {}
        for first, end in sacks:
            if not self.acked < first < end <= self.next_seq:
                continue
            seen[first] = end
            for seq in range(min(self._seen.get(first, first), end), end):
                packet = self._take(seq)
                if packet is not None:
                    self.sacked += 1
                    delivered.append(packet)
        if seen:
            self._seen = seen
        elif not self.sacked:
            self._seen.clear()
        return delivered

    def clear(self) -> None:
        """Forget everything: nobody will send or acknowledge it any more."""
        self._unsent.clear()
        self.flying.clear()
        self.lost.clear()
        self._seen.clear()
        self.inflight = 0

    def _take(self, seq: int) -> Sent | None:
        packet = self.flying.pop(seq, None)
        if packet is not None:
            self.inflight -= packet.size
            return packet
        return self.lost.pop(seq, None)
