"""Values of the commands that store and fetch records, and of plugins.

| value | layout |
|---|---|
| mutable put (MUTABLE_PUT request) | public_key 32 bytes, seq uint, value buffer, signature 64 bytes |
| mutable get (MUTABLE_GET request) | seq uint, the least that is wanted |
| mutable get reply (MUTABLE_GET response) | seq uint, value buffer, signature 64 bytes |
| plugin request (PLUGIN request) | plugin string, version uint, command uint, flags uint, [value buffer, 1] |

The value of an IMMUTABLE_PUT request, of an IMMUTABLE_GET response and of a PLUGIN response is the stored or answered
bytes as they are. All `decode_*` take the byte offset of the value in its datagram, for errors, and raise only
DecodeError; all `encode_*` raise ValueError for what the layout can't hold.

Source: npm hyperdht 6.34.0 (lib/messages.js, lib/persistent.js, index.js).
"""

from __future__ import annotations

from protocol.messages import MutableGetReply, MutablePut, PluginRequest
from protocol.wire import Reader, Writer


def decode_mutable_put(data: bytes, offset: int = 0) -> MutablePut:
    """Decode the value of a MUTABLE_PUT request."""
    return read_mutable_put(Reader(data, "mutable_put", offset))


def read_mutable_put(r: Reader) -> MutablePut:
    """Read a mutable put off `r`."""
    return MutablePut(r.fixed("public_key", 32), r.uint("seq"), r.buffer("value"), r.fixed("signature", 64))


def encode_mutable_put(value: MutablePut) -> bytes:
    """Encode the value of a MUTABLE_PUT request."""
    w = Writer()
    w.fixed(value.public_key, 32)
    w.uint(value.seq)
    w.buffer(value.value)
    w.fixed(value.signature, 64)
    return w.finish()


def decode_mutable_get(data: bytes, offset: int = 0) -> int:
    """Decode the value of a MUTABLE_GET request: the least seq that is wanted."""
    return read_mutable_get(Reader(data, "mutable_get", offset))


def read_mutable_get(r: Reader) -> int:
    """Read a mutable get off `r`."""
    return r.uint("seq")


def encode_mutable_get(seq: int) -> bytes:
    """Encode the value of a MUTABLE_GET request."""
    w = Writer()
    w.uint(seq)
    return w.finish()


def decode_mutable_get_reply(data: bytes, offset: int = 0) -> MutableGetReply:
    """Decode the value of a MUTABLE_GET response."""
    return read_mutable_get_reply(Reader(data, "mutable_get_reply", offset))


def read_mutable_get_reply(r: Reader) -> MutableGetReply:
    """Read a mutable get reply off `r`."""
    return MutableGetReply(r.uint("seq"), r.buffer("value"), r.fixed("signature", 64))


def encode_mutable_get_reply(value: MutableGetReply) -> bytes:
    """Encode the value of a MUTABLE_GET response."""
    w = Writer()
    w.uint(value.seq)
    w.buffer(value.value)
    w.fixed(value.signature, 64)
    return w.finish()


def decode_plugin_request(data: bytes, offset: int = 0) -> PluginRequest:
    """Decode the value of a PLUGIN request."""
    return read_plugin_request(Reader(data, "plugin", offset))


def read_plugin_request(r: Reader) -> PluginRequest:
    """Read a plugin request off `r`."""
    plugin = r.string("plugin")
    version = r.uint("version")
    command = r.uint("command")
    flags = r.flags("flags", ("value",))
    return PluginRequest(plugin, version, command, r.buffer("value") if flags & 1 else None)


def encode_plugin_request(value: PluginRequest) -> bytes:
    """Encode the value of a PLUGIN request."""
    w = Writer()
    w.string(value.plugin)
    w.uint(value.version)
    w.uint(value.command)
    w.uint(value.value is not None)
    if value.value is not None:
        w.buffer(value.value)
    return w.finish()
