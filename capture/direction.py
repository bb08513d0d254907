"""Which way a frame passed the place where it was captured: in, out, or past it on its way to another host.

Of a row it is kept as the lowest five bits of pcapng's ``epb_flags`` (option 2 of a packet block, u32): bits 0 and 1
are the direction (0 not known, 1 in, 2 out), bits 2 to 4 how it was received (0 not known, 1 unicast, 2 multicast, 3
broadcast, 4 promiscuous). Linux tells both in the packet type of a packet socket and of the "cooked" link headers.

Source: draft-ietf-opsawg-pcapng, section Enhanced Packet Block Flags Word; Linux, include/uapi/linux/if_packet.h;
LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2 (www.tcpdump.org/linktypes).
"""

from __future__ import annotations

from enum import IntFlag, StrEnum
from typing import Final


class Passage(IntFlag):
    """The bits."""

    INBOUND = 1
    OUTBOUND = 2
    UNICAST = 4
    MULTICAST = 8
    BROADCAST = 12
    PROMISCUOUS = 16


KEPT_BITS: Final = 0x1F
"""The other bits of the word say nothing of the way: frame check sequences and errors of the link."""


class Direction(StrEnum):
    """The same in a word, as filters ask for it."""

    IN = "in"
    OUT = "out"
    PASSING = "passing"
    """It came in, but was for another host: only promiscuous interfaces see that."""


BY_PACKET_TYPE: Final = (
    Passage.INBOUND | Passage.UNICAST,
    Passage.INBOUND | Passage.BROADCAST,
    Passage.INBOUND | Passage.MULTICAST,
    Passage.INBOUND | Passage.PROMISCUOUS,
    Passage.OUTBOUND,
)
"""The bits by Linux's packet type; of later types, which no frame off a wire has, nothing is known."""


def _names() -> tuple[Direction | None, ...]:
    ways = (None, Direction.IN, Direction.OUT, None)
    past = Passage.PROMISCUOUS | Passage.INBOUND
    return tuple(Direction.PASSING if bits == past else ways[bits & 3] for bits in range(KEPT_BITS + 1))


NAMES: Final = _names()
"""The direction by the bits; None: not known."""


def direction_of(bits: int) -> Direction | None:
    """Which way, by a row's bits; None: not known."""
    return NAMES[bits & KEPT_BITS]
