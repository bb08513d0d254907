"""What a relay does with packets: two streams, of which each stands for the peer behind the other.

A packet whose header names one of them goes to the peer behind the other, with that peer's own stream id in bytes 4 to
7 (u32, little-endian) and otherwise as it came; sequence numbers, windows and data are the peers' business, and the
data is sealed by keys that the relay does not have.

Where a peer is, its first packet tells: only from the host that its secret stream comes from, so that nobody can aim a
relay at a stranger. Later packets are taken from anywhere, for a peer that changes its path sends what got lost again
from another port; they move nothing. DESTROY is passed on and ends the pair. The relay never sends a packet of its
own: after the peers found a direct way the ids live on, and a DESTROY would end what works.

Source: libudx as in npm udx-native 1.21.3 (src/udx.c: relay_packet, udx_stream_relay_to), npm blind-relay 1.6.1
(index.js: BlindRelayLink).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from protocol.constants import UDX_HEADER_SIZE, UDX_MAGIC, UDX_VERSION, UdxFlag
from protocol.messages import Address

if TYPE_CHECKING:
    from protocol.blind_relay.session import RelaySession

_ID: Final = Struct("<I")
_ID_AT: Final = 4
_ID_END: Final = _ID_AT + _ID.size
_START: Final = bytes((UDX_MAGIC, UDX_VERSION))
_FLAGS_AT: Final = 2


class Relayed(NamedTuple):
    """A packet for a socket of the owner to send."""

    data: bytes
    to: Address
    socket: int


class LinkEnd(StrEnum):
    """Why a pair is no longer relayed."""

    DESTROYED = "a peer destroyed its stream"
    UNPAIRED = "a peer asked for it"
    SESSION_CLOSED = "a peer's session closed"
    IDLE = "no packet for too long"
    LIFETIME = "relayed for as long as allowed"
    BYTES = "relayed as much as allowed"


@dataclass(slots=True, eq=False)
class Leg:
    """One of the two streams."""

    stream_id: int
    """The relay's, in packets that the peer sends."""
    remote_id: int
    """The peer's, in packets that it gets."""
    session: RelaySession
    remote: Address | None = None
    socket: int | None = None
    """Where its first packet came in: what goes to the peer leaves from there."""
    packets_received: int = 0
    """From the peer."""
    bytes_received: int = 0
    held: list[bytes] = field(default_factory=list)
    """Packets for a peer that has not sent one."""
    other: Leg = field(init=False, repr=False)


class Link:
    """A pair that is relayed.

    Attributes:
        token: that the two peers had in common.
        legs: of the peer with is_initiator False, and True.
        opened_at: when the pair was found.
        last_at: when the last packet came.
        strangers: first packets from another host than that of the session.
        dropped: packets that came too early, more than are held.
    """

    __slots__ = ("dropped", "last_at", "legs", "opened_at", "strangers", "token")

    def __init__(self, token: bytes, legs: tuple[Leg, Leg], now: float) -> None:
        self.token = token
        self.legs = legs
        self.opened_at = self.last_at = now
        self.strangers = 0
        self.dropped = 0
        legs[0].other, legs[1].other = legs[1], legs[0]

    @property
    def bytes_received(self) -> int:
        """Of all packets that came, both directions."""
        return self.legs[0].bytes_received + self.legs[1].bytes_received

    def relay(self, leg: Leg, data: bytes, source: Address, socket: int, now: float, held: int) -> list[Relayed]:
        """What a packet for `leg` makes the relay send.

        Args:
            leg: whose id is in the packet.
            data: a packet that `stream_id_of` knows an id of.
            source: where it came from.
            socket: where it came to.
            now: seconds.
            held: packets that are kept for a peer whose address is unknown.
        """
        out: list[Relayed] = []
        if leg.remote is None:
            if source.host != leg.session.address.host:
                self.strangers += 1
                return out
            leg.remote, leg.socket = source, socket
            out += [Relayed(packet, source, socket) for packet in leg.held]
            leg.held.clear()
        leg.packets_received += 1
        leg.bytes_received += len(data)
        self.last_at = now
        to = leg.other
        packet = data[:_ID_AT] + _ID.pack(to.remote_id) + data[_ID_END:]
        if to.remote is not None and to.socket is not None:
            out.append(Relayed(packet, to.remote, to.socket))
            return out
        if len(to.held) < held:
            to.held.append(packet)
        else:
            self.dropped += 1
        return out


def stream_id_of(data: bytes) -> int | None:
    """The stream id in a UDX packet; None when it is none."""
    if len(data) < UDX_HEADER_SIZE or data[:2] != _START:
        return None
    found: int = _ID.unpack_from(data, _ID_AT)[0]
    return found


def is_destroy(data: bytes) -> bool:
    """Whether a UDX packet ends its stream."""
    return bool(data[_FLAGS_AT] & UdxFlag.DESTROY)
