"""The editable fields of what is inside the seals: holepunch payloads, and noise payloads of our own.

Source: npm hyperdht 6.34.0 (lib/messages.js).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from protocol.constants import ErrorCode, Firewall
from protocol.editing.kinds import AddressList, AddressText, Number, Word, YesNo, read_address, read_hex
from protocol.editing.lines import ABSENT, Line, line
from protocol.editing.tokens import Token
from protocol.editing.values import FieldKind, Opener
from protocol.messages import HolepunchInfo, NoisePayload, RelayInfo, RelayThrough, UdxInfo


class _Relays:
    """Relays of an offer to punch: ``relay>server as the relay sees it``, commas between."""

    kind = FieldKind.TEXT
    choices: tuple[str, ...] = ()

    def show(self, value: object) -> str:
        """The relays."""
        relays = value if isinstance(value, tuple) else ()
        return ", ".join(f"{one.relay_address}>{one.peer_address}" for one in relays)

    def read(self, text: str, was: object, opener: Opener) -> object:  # noqa: ARG002 - the face of all kinds
        """Pairs of addresses."""
        found = []
        for part in text.replace(",", " ").split():
            relay, arrow, peer = part.partition(">")
            if not arrow:
                raise ValueError(f"{part!r} is not relay>peer, as 10.0.0.1:49737>10.0.0.2:50000")
            found.append(RelayInfo(read_address(relay), read_address(peer)))
        return tuple(found)


class _Through:
    """A blind relay: its public key and the token, with a slash between."""

    kind = FieldKind.TEXT
    choices: tuple[str, ...] = ()

    def show(self, value: object) -> str:
        """Key and token."""
        return f"{value.public_key.hex()}/{value.token.hex()}" if isinstance(value, RelayThrough) else ""

    def read(self, text: str, was: object, opener: Opener) -> object:  # noqa: ARG002 - the face of all kinds
        """Key and token, 32 bytes each."""
        key, slash, token = text.partition("/")
        if not slash:
            raise ValueError("a public key and a token are due, with a slash between")
        version = was.version if isinstance(was, RelayThrough) else 1
        return RelayThrough(version, read_hex(key, 32), read_hex(token, 32))


HOLEPUNCH_LINES: Final = (
    line("error", Word(ErrorCode)),
    line("firewall", Word(Firewall)),
    line("round", Number()),
    line("connected", YesNo()),
    line("punching", YesNo()),
    line("addresses", AddressList(), optional=True),
    line("remote_address", AddressText(), optional=True),
    line("token", Token(), optional=True, note="proves the address of whoever sends it back"),
    line("remote_token", Token(remote=True), optional=True, note="the other side's token, sent back"),
)
"""Of a `HolepunchPayload`."""


def _offer_id(payload: NoisePayload) -> object:
    return None if payload.holepunch is None else payload.holepunch.id


def _with_offer_id(payload: NoisePayload, value: object) -> NoisePayload:
    if not isinstance(value, int):
        return replace(payload, holepunch=None)
    relays = () if payload.holepunch is None else payload.holepunch.relays
    return replace(payload, holepunch=HolepunchInfo(value, relays))


def _offer_relays(payload: NoisePayload) -> object:
    return None if payload.holepunch is None else payload.holepunch.relays


def _with_offer_relays(payload: NoisePayload, value: object) -> NoisePayload:
    if not isinstance(value, tuple):
        return replace(payload, holepunch=None)
    number = 0 if payload.holepunch is None else payload.holepunch.id
    return replace(payload, holepunch=HolepunchInfo(number, value))


def _udx(payload: NoisePayload) -> object:
    return ABSENT if payload.udx is None else payload.udx.id


def _with_udx_id(payload: NoisePayload, value: object) -> NoisePayload:
    assert isinstance(value, int)
    known = payload.udx or UdxInfo(1, False, 0, 0)
    return replace(payload, udx=replace(known, id=value))


NOISE_LINES: Final = (
    line("version", Number()),
    line("error", Word(ErrorCode)),
    line("firewall", Word(Firewall)),
    Line("holepunch.id", Number(), _offer_id, _with_offer_id, True, "the server's offer to punch"),
    Line("holepunch.relays", _Relays(), _offer_relays, _with_offer_relays, True, "relay>server, of its offer to punch"),
    line("addresses4", AddressList()),
    line("addresses6", AddressList(ipv6=True)),
    Line("udx.id", Number(2**32 - 1), _udx, _with_udx_id),
    line("udx.seq", Number(2**32 - 1)),
    line("udx.version", Number()),
    line("udx.reusable_socket", YesNo()),
    line("secret_stream_version", Number(), optional=True),
    line("relay_through", _Through(), optional=True, note="key/token of a blind relay"),
    line("relay_addresses", AddressList(), optional=True),
)
"""Of a `NoisePayload`."""
