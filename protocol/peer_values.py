"""Values of the commands by which peers find and reach each other.

| value | layout |
|---|---|
| handshake | flags uint, mode uint, noise buffer, [peer_address ipv4, 1], [relay_address ipv4, 2] |
| holepunch | flags uint, mode uint, id uint, payload buffer, [peer_address ipv4, 1] |
| peer record | public_key 32 bytes, relay_addresses array of ipv4 |
| lookup reply | peers array of peer record, bump uint if any bytes are left |
| announce | flags uint, [peer, 1], [refresh 32 bytes, 2], [signature 64 bytes, 4], [bump uint, 8] |

`[name type, n]` is there when bit n of the flags is set. `noise` towards the server is message 1 (e 32 bytes,
sealed_s 48 bytes, sealed_payload), towards the client message 2 (e 32 bytes, sealed_payload). `payload` of a holepunch
is a nonce of 24 bytes and a secretbox. What is inside the seals is in `protocol.sealed_values`.

All `decode_*` take the byte offset of the value in its datagram, for errors, and raise only DecodeError; all
`encode_*` raise ValueError for what the layout can't hold.

Source: npm hyperdht 6.34.0 (lib/messages.js, lib/noise-wrap.js, lib/secure-payload.js).
"""

from __future__ import annotations

from typing import Final

from protocol.constants import Mode
from protocol.peer_messages import Announce, Handshake, Holepunch, LookupReply, PeerRecord
from protocol.wire import Reader, Writer

TO_CLIENT: Final = (int(Mode.FROM_SERVER), int(Mode.REPLY))
"""Modes of the legs that carry the server's answer."""

_HANDSHAKE_FLAGS: Final = ("peer_address", "relay_address")
_HOLEPUNCH_FLAGS: Final = ("peer_address",)
_ANNOUNCE_FLAGS: Final = ("peer", "refresh", "signature", "bump")


def decode_handshake(data: bytes, offset: int = 0) -> Handshake:
    """Decode the value of a PEER_HANDSHAKE request or response."""
    return read_handshake(Reader(data, "handshake", offset))


def read_handshake(r: Reader) -> Handshake:
    """Read a handshake off `r`."""
    flags = r.flags("flags", _HANDSHAKE_FLAGS)
    mode = r.uint("mode", Mode)
    return Handshake(
        mode,
        r.buffer("noise", _read_second_noise if mode in TO_CLIENT else _read_first_noise),
        r.ipv4("peer_address") if flags & 1 else None,
        r.ipv4("relay_address") if flags & 2 else None,
    )


def encode_handshake(value: Handshake) -> bytes:
    """Encode the value of a PEER_HANDSHAKE request or response."""
    w = Writer()
    w.uint((value.peer_address is not None) | (value.relay_address is not None) << 1)
    w.uint(value.mode)
    w.buffer(value.noise)
    if value.peer_address is not None:
        w.ipv4(value.peer_address)
    if value.relay_address is not None:
        w.ipv4(value.relay_address)
    return w.finish()


def decode_mode(data: bytes, offset: int = 0) -> int:
    """The mode of a handshake or a holepunch, which both begin alike: the start of a cut value is enough."""
    r = Reader(data, "value", offset)
    r.uint("flags")
    return r.uint("mode")


def decode_holepunch(data: bytes, offset: int = 0) -> Holepunch:
    """Decode the value of a PEER_HOLEPUNCH request or response."""
    return read_holepunch(Reader(data, "holepunch", offset))


def read_holepunch(r: Reader) -> Holepunch:
    """Read a holepunch off `r`."""
    flags = r.flags("flags", _HOLEPUNCH_FLAGS)
    return Holepunch(
        r.uint("mode", Mode),
        r.uint("id"),
        r.buffer("payload", _read_secretbox),
        r.ipv4("peer_address") if flags & 1 else None,
    )


def encode_holepunch(value: Holepunch) -> bytes:
    """Encode the value of a PEER_HOLEPUNCH request or response."""
    w = Writer()
    w.uint(value.peer_address is not None)
    w.uint(value.mode)
    w.uint(value.id)
    w.buffer(value.payload)
    if value.peer_address is not None:
        w.ipv4(value.peer_address)
    return w.finish()


def decode_peer_record(data: bytes, offset: int = 0) -> PeerRecord:
    """Decode the value of a FIND_PEER response."""
    return read_peer_record(Reader(data, "peer", offset))


def read_peer_record(r: Reader) -> PeerRecord:
    """Read a peer record off `r`."""
    return PeerRecord(r.fixed("public_key", 32), r.ipv4_array("relay_addresses"))


def encode_peer_record(value: PeerRecord) -> bytes:
    """Encode the value of a FIND_PEER response."""
    w = Writer()
    write_peer_record(w, value)
    return w.finish()


def write_peer_record(w: Writer, value: PeerRecord) -> None:
    """Append a peer record to `w`."""
    w.fixed(value.public_key, 32)
    w.ipv4_array(value.relay_addresses)


def decode_lookup_reply(data: bytes, offset: int = 0) -> LookupReply:
    """Decode the value of a LOOKUP response."""
    return read_lookup_reply(Reader(data, "lookup", offset))


def read_lookup_reply(r: Reader) -> LookupReply:
    """Read a lookup reply off `r`; older nodes leave out `bump`."""
    peers = r.array("peers", read_peer_record)
    return LookupReply(peers, r.uint("bump") if r.pos < len(r.data) else 0)


def encode_lookup_reply(value: LookupReply) -> bytes:
    """Encode the value of a LOOKUP response."""
    w = Writer()
    w.uint(len(value.peers))
    for peer in value.peers:
        write_peer_record(w, peer)
    w.uint(value.bump)
    return w.finish()


def decode_announce(data: bytes, offset: int = 0) -> Announce:
    """Decode the value of an ANNOUNCE or UNANNOUNCE request."""
    return read_announce(Reader(data, "announce", offset))


def read_announce(r: Reader) -> Announce:
    """Read an announce off `r`."""
    flags = r.flags("flags", _ANNOUNCE_FLAGS)
    return Announce(
        r.record("peer", read_peer_record) if flags & 1 else None,
        r.fixed("refresh", 32) if flags & 2 else None,
        r.fixed("signature", 64) if flags & 4 else None,
        r.uint("bump") if flags & 8 else 0,
    )


def encode_announce(value: Announce) -> bytes:
    """Encode the value of an ANNOUNCE or UNANNOUNCE request; bump 0 is left out, as the reference does."""
    w = Writer()
    w.uint(
        (value.peer is not None)
        | (value.refresh is not None) << 1
        | (value.signature is not None) << 2
        | (value.bump != 0) << 3
    )
    if value.peer is not None:
        write_peer_record(w, value.peer)
    if value.refresh is not None:
        w.fixed(value.refresh, 32)
    if value.signature is not None:
        w.fixed(value.signature, 64)
    if value.bump:
        w.uint(value.bump)
    return w.finish()


def _read_first_noise(r: Reader) -> None:
    r.fixed("e", 32)
    r.fixed("sealed_s", 48)
    r.rest("sealed_payload")


def _read_second_noise(r: Reader) -> None:
    r.fixed("e", 32)
    r.rest("sealed_payload")


def _read_secretbox(r: Reader) -> None:
    r.fixed("nonce", 24)
    r.rest("sealed_payload")
