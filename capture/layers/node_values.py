"""Values of dht-rpc's own commands; the layouts are those of `protocol.node_values`.

Source: npm dht-rpc 6.27.0 (index.js, lib/query.js).
"""

from __future__ import annotations

from scapy.fields import LEIntField, LEShortField
from scapy.packet import Packet

from capture.layers.fields import AddressField


class PingNatValue(Packet):
    """Value of a PING_NAT request."""

    name = "PING_NAT value"
    fields_desc = (LEShortField("port", 0),)


class DownHintValue(Packet):
    """Value of a DOWN_HINT request."""

    name = "DOWN_HINT value"
    fields_desc = (AddressField("address", "0.0.0.0:0"),)


class DelayedPingValue(Packet):
    """Value of a DELAYED_PING request."""

    name = "DELAYED_PING value"
    fields_desc = (LEIntField("delay_ms", 0),)
