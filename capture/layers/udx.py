"""UDX packets; the layout is that of `protocol.udx`.

Source: libudx as in npm udx-native 1.21.3 (include/udx.h).
"""

from __future__ import annotations

from typing import Any

from scapy.fields import ByteField, FieldLenField, FlagsField, LEIntField, PacketListField, XByteField
from scapy.packet import Packet

from protocol.constants import UDX_MAGIC, UDX_VERSION, UdxFlag


class UdxRange(Packet):
    """Packets received beyond `ack`."""

    name = "udx range"
    fields_desc = (LEIntField("first", 0), LEIntField("end", 0))

    def default_payload_class(self, payload: bytes) -> type[Packet]:
        """The next range is no payload of this one."""
        from scapy.packet import Padding

        return Padding


_FLAGS = [flag.name or "" for flag in sorted(UdxFlag)]


class UDX(Packet):
    """One packet of a stream: header, ranges, then the data as payload.

    `data_offset` left alone is the size of the ranges; senders of today leave it 0 and fill the packet with ranges.
    """

    name = "UDX"
    fields_desc = (
        XByteField("magic", UDX_MAGIC),
        ByteField("version", UDX_VERSION),
        FlagsField("flags", 0, 8, _FLAGS),
        FieldLenField("data_offset", None, length_of="sacks", fmt="B"),
        LEIntField("remote_id", 0),
        LEIntField("recv_window", 0),
        LEIntField("seq", 0),
        LEIntField("ack", 0),
        PacketListField("sacks", [], UdxRange, length_from=lambda packet: packet.room_of_sacks()),
    )

    def room_of_sacks(self) -> int:
        """Bytes of ranges: as many as the header says, or all that are left."""
        if not int(self.flags) & UdxFlag.SACK:
            return 0
        left = len(self.original) - 20
        return self.data_offset or left - left % 8


def is_udx(data: bytes, **_: Any) -> bool:
    """Whether a datagram begins as UDX packets do."""
    return len(data) >= 20 and data[0] == UDX_MAGIC and data[1] == UDX_VERSION
