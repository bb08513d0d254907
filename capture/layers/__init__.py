"""The protocol as scapy layers: build any message by hand, take any apart.

```python
from scapy.layers.inet import IP, UDP
from capture.layers import HandshakeValue, HyperDHTRequest

packet = IP(dst="127.0.0.1") / UDP(dport=49737) / HyperDHTRequest(
    tid=7, to="127.0.0.1:49737", cmd="PEER_HANDSHAKE", target=bytes(32),
    value=HandshakeValue(mode="FROM_CLIENT", noise=bytes(160), peer_address="192.0.2.1:40000"),
)
```

Lengths and flags that are left alone are worked out; those that are given are sent as they are, so that wrong ones can
be made as well. Fields have their usual names, but for two that scapy's packets use themselves: `command` is `cmd`, and
the `payload` of a holepunch is `sealed`. Importing this module binds the layers to UDP at every port, behind whatever
else scapy knows.
"""

from __future__ import annotations

from capture.layers.datagram import HyperDHT, HyperDHTPunch
from capture.layers.node_values import DelayedPingValue, DownHintValue, PingNatValue
from capture.layers.peer_values import (
    AnnounceValue,
    HandshakeValue,
    HolepunchValue,
    LookupReplyValue,
    PeerRecordValue,
)
from capture.layers.rpc import HyperDHTRequest, HyperDHTResponse
from capture.layers.sealed import (
    HolepunchOffer,
    HolepunchPayloadLayer,
    NoisePayloadLayer,
    RelayThroughLayer,
    UdxOffer,
    open_holepunch,
    seal_holepunch,
)
from capture.layers.storage_values import (
    MutableGetReplyValue,
    MutableGetValue,
    MutablePutValue,
    PluginValue,
)
from capture.layers.udx import UDX, UdxRange

__all__ = (
    "UDX",
    "AnnounceValue",
    "DelayedPingValue",
    "DownHintValue",
    "HandshakeValue",
    "HolepunchOffer",
    "HolepunchPayloadLayer",
    "HolepunchValue",
    "HyperDHT",
    "HyperDHTPunch",
    "HyperDHTRequest",
    "HyperDHTResponse",
    "LookupReplyValue",
    "MutableGetReplyValue",
    "MutableGetValue",
    "MutablePutValue",
    "NoisePayloadLayer",
    "PeerRecordValue",
    "PingNatValue",
    "PluginValue",
    "RelayThroughLayer",
    "UdxOffer",
    "UdxRange",
    "open_holepunch",
    "seal_holepunch",
)
