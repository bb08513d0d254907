"""What the seals hold, and how to open and make them; the layouts are those of `protocol.sealed_values`.

Source: npm hyperdht 6.34.0 (lib/messages.js, lib/secure-payload.js).
"""

from __future__ import annotations

from scapy.packet import Packet

from capture.layers.fields import (
    AddressField,
    AddressList,
    CompactFlags,
    CompactUint,
    Fixed,
    PacketList,
    Sub,
    Told,
    there,
)
from protocol.constants import ErrorCode, Firewall
from protocol.sealed_values import NOISE_PAYLOAD_VERSION
from protocol.secretbox import open_payload, seal_payload


class RelayPair(Packet):
    """A relay that a server announced through, and the server's address as that relay sees it."""

    name = "relay"
    fields_desc = (AddressField("relay_address", "0.0.0.0:0"), AddressField("peer_address", "0.0.0.0:0"))


class HolepunchOffer(Packet):
    """The server's offer to punch, in noise message 2."""

    name = "holepunch offer"
    fields_desc = (CompactUint("id", 0), PacketList("relays", (), RelayPair))


class UdxOffer(Packet):
    """The stream that a side opens."""

    name = "udx offer"
    fields_desc = (
        CompactUint("version", 1),
        CompactUint("features", 0),
        CompactUint("id", 0),
        CompactUint("seq", 0),
    )


class RelayThroughLayer(Packet):
    """A blind relay that a side asks to be reached through."""

    name = "relay through"
    fields_desc = (
        CompactUint("version", 1),
        CompactUint("flags", 0),
        Fixed("public_key", b""),
        Fixed("token", b""),
    )


class NoisePayloadLayer(Packet):
    """Plaintext of a noise message of version 1."""

    name = "noise payload"
    fields_desc = (
        CompactUint("version", NOISE_PAYLOAD_VERSION),
        CompactFlags(
            "flags",
            {
                1: "holepunch",
                2: "addresses4",
                4: "addresses6",
                8: "udx",
                16: "secret_stream_version",
                32: "relay_through",
                64: "relay_addresses",
            },
        ),
        CompactUint("error", ErrorCode.NONE, ErrorCode),
        CompactUint("firewall", Firewall.UNKNOWN, Firewall),
        there(1, Sub("holepunch", None, HolepunchOffer)),
        there(2, AddressList("addresses4", None)),
        there(4, AddressList("addresses6", None, ipv6=True)),
        there(8, Sub("udx", None, UdxOffer)),
        there(16, CompactUint("secret_stream_version", None)),
        there(32, Sub("relay_through", None, RelayThroughLayer)),
        there(64, AddressList("relay_addresses", None)),
    )


class HolepunchPayloadLayer(Packet):
    """Plaintext of a PEER_HOLEPUNCH payload."""

    name = "holepunch payload"
    fields_desc = (
        CompactFlags(
            "flags",
            {4: "addresses", 8: "remote_address", 16: "token", 32: "remote_token"},
            {1: "connected", 2: "punching"},
        ),
        Told("connected", 1),
        Told("punching", 2),
        CompactUint("error", ErrorCode.NONE, ErrorCode),
        CompactUint("firewall", Firewall.UNKNOWN, Firewall),
        CompactUint("round", 0),
        there(4, AddressList("addresses", None)),
        there(8, AddressField("remote_address", None)),
        there(16, Fixed("token", None)),
        there(32, Fixed("remote_token", None)),
    )


def open_holepunch(sealed: bytes, secret: bytes) -> HolepunchPayloadLayer | None:
    """Open the payload of a PEER_HOLEPUNCH.

    Args:
        sealed: nonce and secretbox.
        secret: the 32 bytes that both sides have from their handshake.

    Returns:
        The plaintext taken apart; None if the secret does not open it.

    Raises:
        Scapy_Exception: it opens, and is not well-formed.
    """
    plain = open_payload(secret, sealed)
    return None if plain is None else HolepunchPayloadLayer(plain)


def seal_holepunch(payload: HolepunchPayloadLayer | bytes, secret: bytes, nonce: bytes) -> bytes:
    """Seal a payload for PEER_HOLEPUNCH.

    Args:
        payload: the plaintext.
        secret: the 32 bytes that both sides have from their handshake.
        nonce: 24 bytes, never used before with this secret.
    """
    return seal_payload(secret, bytes(payload), nonce)
