"""What the seals hold: the payloads of noise messages and of PEER_HOLEPUNCH, once opened.

| value | layout |
|---|---|
| noise payload | version uint (1), flags uint, error uint, firewall uint, [holepunch, 1], [addresses4 array of ipv4, 2], [addresses6 array of ipv6, 4], [udx, 8], [secret_stream_version uint, 16], [relay_through, 32], [relay_addresses array of ipv4, 64] |
| holepunch (offer) | id uint, relays array of (relay_address ipv4, peer_address ipv4) |
| udx | version uint, features uint (1: reusable_socket), id uint, seq uint |
| relay_through | version uint, flags uint (0), public_key 32 bytes, token 32 bytes |
| holepunch payload | flags uint (1 connected, 2 punching), error uint, firewall uint, round uint, [addresses array of ipv4, 4], [remote_address ipv4, 8], [token 32 bytes, 16], [remote_token 32 bytes, 32] |

`[name type, n]` is there when bit n of the flags is set. Of a noise payload with another version than 1 nothing but the
version is read. Offsets in errors count from the start of the plaintext.

Source: npm hyperdht 6.34.0 (lib/messages.js).
"""  # noqa: E501 - a table row is one line

from __future__ import annotations

from typing import Final

from protocol.constants import ErrorCode, Firewall
from protocol.messages import (
    HolepunchInfo,
    HolepunchPayload,
    NoisePayload,
    RelayInfo,
    RelayThrough,
    UdxInfo,
)
from protocol.wire import Reader, Writer

NOISE_PAYLOAD_VERSION: Final = 1

_NOISE_FLAGS: Final = (
    "holepunch",
    "addresses4",
    "addresses6",
    "udx",
    "secret_stream",
    "relay_through",
    "relay_addresses",
)
_PAYLOAD_FLAGS: Final = ("connected", "punching", "addresses", "remote_address", "token", "remote_token")


def decode_noise_payload(data: bytes) -> NoisePayload:
    """Decode the plaintext of either noise message.

    Raises:
        DecodeError: too short, or a number or count out of range.
    """
    return read_noise_payload(Reader(data, "noise_payload"))


def read_noise_payload(r: Reader) -> NoisePayload:
    """Read a noise payload off `r`."""
    version = r.uint("version")
    if version != NOISE_PAYLOAD_VERSION:
        return NoisePayload(version)
    flags = r.flags("flags", _NOISE_FLAGS)
    return NoisePayload(
        version,
        r.uint("error", ErrorCode),
        r.uint("firewall", Firewall),
        r.record("holepunch", _read_holepunch_info) if flags & 1 else None,
        r.ipv4_array("addresses4") if flags & 2 else (),
        r.ipv6_array("addresses6") if flags & 4 else (),
        r.record("udx", _read_udx_info) if flags & 8 else None,
        r.uint("secret_stream_version") if flags & 16 else None,
        r.record("relay_through", _read_relay_through) if flags & 32 else None,
        r.ipv4_array("relay_addresses") if flags & 64 else None,
    )


def encode_noise_payload(value: NoisePayload) -> bytes:
    """Encode the plaintext of a noise message; empty address lists are left out, as the reference does.

    Raises:
        ValueError: a field can't hold its value.
    """
    w = Writer()
    w.uint(value.version)
    if value.version != NOISE_PAYLOAD_VERSION:
        return w.finish()
    w.uint(
        (value.holepunch is not None)
        | bool(value.addresses4) << 1
        | bool(value.addresses6) << 2
        | (value.udx is not None) << 3
        | (value.secret_stream_version is not None) << 4
        | (value.relay_through is not None) << 5
        | (value.relay_addresses is not None) << 6
    )
    w.uint(value.error)
    w.uint(value.firewall)
    if value.holepunch is not None:
        _write_holepunch_info(w, value.holepunch)
    if value.addresses4:
        w.ipv4_array(value.addresses4)
    if value.addresses6:
        w.ipv6_array(value.addresses6)
    if value.udx is not None:
        _write_udx_info(w, value.udx)
    if value.secret_stream_version is not None:
        w.uint(value.secret_stream_version)
    if value.relay_through is not None:
        _write_relay_through(w, value.relay_through)
    if value.relay_addresses is not None:
        w.ipv4_array(value.relay_addresses)
    return w.finish()


def decode_holepunch_payload(data: bytes) -> HolepunchPayload:
    """Decode the plaintext of a PEER_HOLEPUNCH payload.

    Raises:
        DecodeError: too short, or a number or count out of range.
    """
    return read_holepunch_payload(Reader(data, "holepunch_payload"))


def read_holepunch_payload(r: Reader) -> HolepunchPayload:
    """Read a holepunch payload off `r`."""
    flags = r.flags("flags", _PAYLOAD_FLAGS)
    return HolepunchPayload(
        r.uint("error", ErrorCode),
        r.uint("firewall", Firewall),
        r.uint("round"),
        flags & 1 != 0,
        flags & 2 != 0,
        r.ipv4_array("addresses") if flags & 4 else None,
        r.ipv4("remote_address") if flags & 8 else None,
        r.fixed("token", 32) if flags & 16 else None,
        r.fixed("remote_token", 32) if flags & 32 else None,
    )


def encode_holepunch_payload(value: HolepunchPayload) -> bytes:
    """Encode the plaintext of a PEER_HOLEPUNCH payload.

    Raises:
        ValueError: a field can't hold its value.
    """
    w = Writer()
    w.uint(
        value.connected
        | value.punching << 1
        | (value.addresses is not None) << 2
        | (value.remote_address is not None) << 3
        | (value.token is not None) << 4
        | (value.remote_token is not None) << 5
    )
    w.uint(value.error)
    w.uint(value.firewall)
    w.uint(value.round)
    if value.addresses is not None:
        w.ipv4_array(value.addresses)
    if value.remote_address is not None:
        w.ipv4(value.remote_address)
    if value.token is not None:
        w.fixed(value.token, 32)
    if value.remote_token is not None:
        w.fixed(value.remote_token, 32)
    return w.finish()


def _read_holepunch_info(r: Reader) -> HolepunchInfo:
    return HolepunchInfo(r.uint("id"), r.array("relays", _read_relay_info))


def _write_holepunch_info(w: Writer, value: HolepunchInfo) -> None:
    w.uint(value.id)
    w.uint(len(value.relays))
    for relay in value.relays:
        w.ipv4(relay.relay_address)
        w.ipv4(relay.peer_address)


def _read_relay_info(r: Reader) -> RelayInfo:
    return RelayInfo(r.ipv4("relay_address"), r.ipv4("peer_address"))


def _read_udx_info(r: Reader) -> UdxInfo:
    return UdxInfo(r.uint("version"), r.flags("features", ("reusable_socket",)) & 1 != 0, r.uint("id"), r.uint("seq"))


def _write_udx_info(w: Writer, value: UdxInfo) -> None:
    w.uint(value.version)
    w.uint(value.reusable_socket)
    w.uint(value.id)
    w.uint(value.seq)


def _read_relay_through(r: Reader) -> RelayThrough:
    version = r.uint("version")
    r.uint("flags")
    return RelayThrough(version, r.fixed("public_key", 32), r.fixed("token", 32))


def _write_relay_through(w: Writer, value: RelayThrough) -> None:
    w.uint(value.version)
    w.uint(0)
    w.fixed(value.public_key, 32)
    w.fixed(value.token, 32)
