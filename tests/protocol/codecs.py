"""Every codec by the name that the vectors use, and values as the reference writes them in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any, NamedTuple

from protocol import values
from protocol.envelope import decode_request, decode_response, encode_request, encode_response
from protocol.errors import DecodeError
from protocol.hashes import is_node_id
from protocol.messages import Address, Request, Response
from protocol.wire import Reader, Writer

VECTORS = Path(__file__).parent / "vectors"
OWN_ADDRESS = Address("88.99.3.86", 49737)
"""The address that every message of the vectors comes from."""


class Codec(NamedTuple):
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]


def primitive(name: str) -> Codec:
    def decode(data: bytes) -> Any:
        return getattr(Reader(data, "primitive"), name)("field")

    def encode(value: Any) -> bytes:
        w = Writer()
        getattr(w, name)(value)
        return w.finish()

    return Codec(decode, encode)


CODECS: dict[str, Codec] = {
    "uint": primitive("uint"),
    "string": primitive("string"),
    "buffer": primitive("buffer"),
    "ipv4_address": primitive("ipv4"),
    "ipv6_address": primitive("ipv6"),
    "request": Codec(decode_request, encode_request),
    "response": Codec(decode_response, encode_response),
    "handshake": Codec(values.decode_handshake, values.encode_handshake),
    "holepunch": Codec(values.decode_holepunch, values.encode_holepunch),
    "noise_payload": Codec(values.decode_noise_payload, values.encode_noise_payload),
    "holepunch_payload": Codec(values.decode_holepunch_payload, values.encode_holepunch_payload),
    "peer_record": Codec(values.decode_peer_record, values.encode_peer_record),
    "lookup_reply": Codec(values.decode_lookup_reply, values.encode_lookup_reply),
    "announce": Codec(values.decode_announce, values.encode_announce),
    "mutable_put": Codec(values.decode_mutable_put, values.encode_mutable_put),
    "mutable_get": Codec(values.decode_mutable_get, values.encode_mutable_get),
    "mutable_get_reply": Codec(values.decode_mutable_get_reply, values.encode_mutable_get_reply),
    "plugin_request": Codec(values.decode_plugin_request, values.encode_plugin_request),
    "ping_nat": Codec(values.decode_ping_nat, values.encode_ping_nat),
    "down_hint": Codec(values.decode_down_hint, values.encode_down_hint),
    "delayed_ping": Codec(values.decode_delayed_ping, values.encode_delayed_ping),
}


def outcome(decode: Callable[[], Any]) -> Any:
    """The value, or the DecodeError: any other error is the test's failure."""
    try:
        return decode()
    except DecodeError as error:
        return error


def load(name: str) -> dict[str, Any]:
    """One vector file."""
    content: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return content


def encodings() -> list[tuple[str, bytes, Any]]:
    """Codec, bytes and value of every vector."""
    return [(v["codec"], bytes.fromhex(v["hex"]), v["value"]) for v in load("encodings")["vectors"]]


def to_json(value: Any) -> Any:
    """A decoded value with the reference's names and forms."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Address):
        return {"host": reference_host(value.host), "port": value.port}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if not is_dataclass(value):
        return value
    out = {camel(f.name): to_json(getattr(value, f.name)) for f in fields(value)}
    if "secretStreamVersion" in out:
        version = out.pop("secretStreamVersion")
        out["secretStream"] = None if version is None else {"version": version}
    if isinstance(value, Request | Response):
        del out["truncatedAt"], out["valueOffset"]
        if value.id is None or not is_node_id(value.id, OWN_ADDRESS):
            out["id"] = None  # the reference drops an id that its sender may not have
    return out


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def reference_host(host: str) -> str:
    """The reference writes all eight groups of an IPv6 address, without leading zeros."""
    if ":" not in host:
        return host
    return ":".join(f"{int(group, 16):x}" for group in IPv6Address(host).exploded.split(":"))
