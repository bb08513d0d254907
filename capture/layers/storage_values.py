"""Values of the commands that store and fetch records, and of plugins; the layouts are those of
`protocol.storage_values`.

Source: npm hyperdht 6.34.0 (lib/messages.js).
"""

from __future__ import annotations

from scapy.packet import Packet

from capture.layers.fields import Buffer, CompactFlags, CompactUint, Fixed, there


class MutablePutValue(Packet):
    """Value of a MUTABLE_PUT request."""

    name = "MUTABLE_PUT value"
    fields_desc = (
        Fixed("public_key", b""),
        CompactUint("seq", 0),
        Buffer("value", b""),
        Fixed("signature", b"", 64),
    )


class MutableGetValue(Packet):
    """Value of a MUTABLE_GET request: the least seq that is wanted."""

    name = "MUTABLE_GET value"
    fields_desc = (CompactUint("seq", 0),)


class MutableGetReplyValue(Packet):
    """Value of a MUTABLE_GET response."""

    name = "MUTABLE_GET reply"
    fields_desc = (CompactUint("seq", 0), Buffer("value", b""), Fixed("signature", b"", 64))


class PluginValue(Packet):
    """Value of a PLUGIN request; `plugin` is UTF-8."""

    name = "PLUGIN value"
    fields_desc = (
        Buffer("plugin", b""),
        CompactUint("version", 0),
        CompactUint("cmd", 0),
        CompactFlags("flags", {1: "value"}),
        there(1, Buffer("value", None)),
    )
