"""Values of the commands by which peers find and reach each other; the layouts are those of `protocol.peer_values`.

Source: npm hyperdht 6.34.0 (lib/messages.js).
"""

from __future__ import annotations

from scapy.packet import Packet

from capture.layers.fields import (
    AddressField,
    AddressList,
    Buffer,
    CompactFlags,
    CompactUint,
    Fixed,
    PacketList,
    Sub,
    there,
)
from protocol.constants import Mode


class HandshakeValue(Packet):
    """Value of PEER_HANDSHAKE, both ways."""

    name = "PEER_HANDSHAKE value"
    fields_desc = (
        CompactFlags("flags", {1: "peer_address", 2: "relay_address"}),
        CompactUint("mode", Mode.FROM_CLIENT, Mode),
        Buffer("noise", b""),
        there(1, AddressField("peer_address", None)),
        there(2, AddressField("relay_address", None)),
    )


class HolepunchValue(Packet):
    """Value of PEER_HOLEPUNCH, both ways. Its payload is sealed: `capture.layers.open_holepunch`."""

    name = "PEER_HOLEPUNCH value"
    fields_desc = (
        CompactFlags("flags", {1: "peer_address"}),
        CompactUint("mode", Mode.FROM_CLIENT, Mode),
        CompactUint("id", 0),
        Buffer("sealed", b""),
        there(1, AddressField("peer_address", None)),
    )


class PeerRecordValue(Packet):
    """Value of a FIND_PEER response; part of LOOKUP responses and of ANNOUNCE requests."""

    name = "peer record"
    fields_desc = (Fixed("public_key", b""), AddressList("relay_addresses", ()))


class _Bump(CompactUint):
    """The last field of a lookup reply, which older nodes leave out."""

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, int | None]:
        """Take the number off, if any bytes are left."""
        return super().getfield(pkt, s) if s else (s, None)

    def addfield(self, pkt: Packet, s: bytes, val: int | None) -> bytes:
        """Append the number; nothing for None."""
        return s if val is None else super().addfield(pkt, s, val)


class LookupReplyValue(Packet):
    """Value of a LOOKUP response."""

    name = "LOOKUP reply"
    fields_desc = (PacketList("peers", (), PeerRecordValue), _Bump("bump", 0))


class AnnounceValue(Packet):
    """Value of ANNOUNCE and UNANNOUNCE requests."""

    name = "ANNOUNCE value"
    fields_desc = (
        CompactFlags("flags", {1: "peer", 2: "refresh", 4: "signature", 8: "bump"}),
        there(1, Sub("peer", None, PeerRecordValue)),
        there(2, Fixed("refresh", None)),
        there(4, Fixed("signature", None, 64)),
        there(8, CompactUint("bump", None)),
    )
