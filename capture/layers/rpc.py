"""Requests and responses of dht-rpc; the layouts are those of `protocol.envelope`.

Source: npm dht-rpc 6.27.0 (lib/io.js).
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Any

from scapy.fields import LEShortField, XByteField
from scapy.packet import Packet

from capture.layers.fields import AddressField, AddressList, CompactFlags, CompactUint, Fixed, Told, Value, there
from capture.layers.node_values import DelayedPingValue, DownHintValue, PingNatValue
from capture.layers.peer_values import AnnounceValue, HandshakeValue, HolepunchValue, LookupReplyValue, PeerRecordValue
from capture.layers.storage_values import MutableGetReplyValue, MutableGetValue, MutablePutValue, PluginValue
from protocol.constants import REQUEST_TYPE, RESPONSE_TYPE, Command, InternalCommand, ResponseError

INTERNAL = 4
"""Bit of a request's flags: the command is one of dht-rpc itself."""

_ASKED: dict[int, type[Packet]] = {
    Command.PEER_HANDSHAKE: HandshakeValue,
    Command.PEER_HOLEPUNCH: HolepunchValue,
    Command.ANNOUNCE: AnnounceValue,
    Command.UNANNOUNCE: AnnounceValue,
    Command.MUTABLE_PUT: MutablePutValue,
    Command.MUTABLE_GET: MutableGetValue,
    Command.PLUGIN: PluginValue,
}
_ASKED_INTERNALLY: dict[int, type[Packet]] = {
    InternalCommand.PING_NAT: PingNatValue,
    InternalCommand.DOWN_HINT: DownHintValue,
    InternalCommand.DELAYED_PING: DelayedPingValue,
}
_ANSWERED: dict[int, type[Packet]] = {
    Command.PEER_HANDSHAKE: HandshakeValue,
    Command.PEER_HOLEPUNCH: HolepunchValue,
    Command.FIND_PEER: PeerRecordValue,
    Command.LOOKUP: LookupReplyValue,
    Command.MUTABLE_GET: MutableGetReplyValue,
}


class CommandField(CompactUint):
    """A command: one of hyperdht's, or of dht-rpc's own if the packet is internal, which such a name makes it."""

    def any2i(self, pkt: Packet | None, x: Any) -> Any:
        """Take a name for its number."""
        if isinstance(x, str) and x in InternalCommand.__members__:
            if pkt is not None:
                pkt.fields["internal"] = True
            return int(InternalCommand[x])
        return super().any2i(pkt, x)

    def i2repr(self, pkt: Packet | None, x: Any) -> str:
        """The name among the commands that it is one of."""
        internal = pkt is not None and pkt.getfieldval("internal")
        names: type[IntEnum] = InternalCommand if internal else Command
        return names(x).name if x in set(names) else repr(x)


def _asked(packet: Packet) -> type[Packet] | None:
    """What the value of a request is."""
    kinds = _ASKED_INTERNALLY if packet.getfieldval("internal") else _ASKED
    return kinds.get(packet.getfieldval("cmd"))


class HyperDHTRequest(Packet):
    """A request (first byte 0x03)."""

    name = "HyperDHT request"
    fields_desc = (
        XByteField("type", REQUEST_TYPE),
        CompactFlags("flags", {1: "id", 2: "token", 8: "target", 16: "value"}, {INTERNAL: "internal"}),
        LEShortField("tid", 0),
        AddressField("to", "0.0.0.0:0"),
        there(1, Fixed("id", None)),
        there(2, Fixed("token", None)),
        Told("internal", INTERNAL),
        CommandField("cmd", Command.FIND_PEER, Command),
        there(8, Fixed("target", None)),
        there(16, Value("value", _asked)),
    )

    def hashret(self) -> bytes:
        """What a request and its response have in common."""
        return struct.pack("<H", self.tid)


class HyperDHTResponse(Packet):
    """A response (first byte 0x13). It names no command; `answering` reads its value as that of a request's answer."""

    name = "HyperDHT response"
    fields_desc = (
        XByteField("type", RESPONSE_TYPE),
        CompactFlags("flags", {1: "id", 2: "token", 4: "closer_nodes", 8: "error", 16: "value"}),
        LEShortField("tid", 0),
        AddressField("to", "0.0.0.0:0"),
        there(1, Fixed("id", None)),
        there(2, Fixed("token", None)),
        there(4, AddressList("closer_nodes", None)),
        there(8, CompactUint("error", None, ResponseError)),
        there(16, Value("value")),
    )

    def hashret(self) -> bytes:
        """What a request and its response have in common."""
        return struct.pack("<H", self.tid)

    def answers(self, other: Packet) -> bool:
        """Whether this answers a request, as far as these two tell: addresses are compared by the layers below."""
        return isinstance(other, HyperDHTRequest) and other.tid == self.tid

    def answering(self, command: int | str) -> Packet | None:
        """The value, read as that of an answer to `command`; `Raw` where such answers have no fields, None without one.

        Args:
            command: one of hyperdht's, by number or name.

        Raises:
            Scapy_Exception: it is not well-formed.
        """
        kind = _ANSWERED.get(Command[command] if isinstance(command, str) else command)
        value: Packet | None = self.fields.get("value")
        return value if kind is None or value is None else kind(bytes(value))
