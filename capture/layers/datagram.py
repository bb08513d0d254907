"""What a datagram of hyperdht is: a request, a response, a punch, or a packet of a stream."""

from __future__ import annotations

from typing import Any

from scapy.fields import XByteField
from scapy.layers.inet import UDP
from scapy.packet import Packet, Raw, bind_bottom_up

from capture.layers.rpc import HyperDHTRequest, HyperDHTResponse
from capture.layers.udx import UDX, is_udx
from protocol.constants import PUNCH, REQUEST_TYPE, RESPONSE_TYPE


class HyperDHTPunch(Packet):
    """A punch: one byte. Its TTL says whether it is meant to arrive (`IP(ttl=5)` only opens the sender's own NAT)."""

    name = "HyperDHT punch"
    fields_desc = (XByteField("zero", 0),)


class HyperDHT(Packet):
    """Any datagram of the protocol: ``HyperDHT(data)`` is one of the layers, or `Raw` for what is none of them."""

    name = "HyperDHT"

    @classmethod
    def dispatch_hook(cls, _pkt: bytes | None = None, *_: Any, **__: Any) -> type[Packet]:
        """Which layer the first bytes speak of."""
        if not _pkt:
            return cls
        if _pkt[0] == REQUEST_TYPE:
            return HyperDHTRequest
        if _pkt[0] == RESPONSE_TYPE:
            return HyperDHTResponse
        if _pkt == PUNCH:
            return HyperDHTPunch
        return UDX if is_udx(_pkt) else Raw


bind_bottom_up(UDP, HyperDHT)
