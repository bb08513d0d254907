"""What can be edited, what a field of it is, and what can go wrong.

The same names are used in forms, rules and scripts:

| part | fields |
|---|---|
| delivery | `destination`, `ttl` |
| envelope | `tid`, `to`, `envelope.id`, `envelope.token`, `target`, `command`, `closer_nodes`, `envelope.error` |
| value | `mode`, `id`, `noise`, `peer_address`, `relay_address`; `payload` where it can't be opened; `public_key`, `relay_addresses` of a record; `value` of any other |
| holepunch payload | `error`, `firewall`, `round`, `connected`, `punching`, `addresses`, `remote_address`, `token`, `remote_token` |
| noise payload of our own | `version`, `error`, `firewall`, `holepunch.id`, `holepunch.relays`, `addresses4`, `addresses6`, `udx.id`, `udx.seq`, `udx.version`, `udx.reusable_socket`, `secret_stream_version`, `relay_through`, `relay_addresses` |
| everything | `raw`: all bytes in hex |
"""  # noqa: E501 - a table row is one line

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from secrets import token_bytes
from typing import NamedTuple

from protocol.messages import Address, Request

NONE = "none"
"""How a field that is not there is written."""


class FieldKind(StrEnum):
    """How a value is written."""

    NUMBER = "number"
    """Decimal, or hex after 0x."""
    WORD = "word"
    """One of `EditableField.choices`, or its number."""
    YES_NO = "yes or no"
    ADDRESS = "address"
    """``host:port``; ``:port`` keeps the host, ``host:`` the port, ``:+7`` and ``:-7`` shift the port."""
    ADDRESSES = "addresses"
    """Addresses, with commas between; none at all is an empty text."""
    BYTES = "bytes"
    """Hex digits, or ``random``."""
    TOKEN = "token"
    """64 hex digits, or one of ``keep``, ``recompute``, ``strip``, ``random``."""
    TEXT = "text"
    """Any text, or as the field's note says."""


@dataclass(frozen=True, slots=True)
class EditableField:
    """One field of a message, as a form shows it."""

    name: str
    text: str
    """Its value; `NONE` where it is not there."""
    kind: FieldKind
    choices: tuple[str, ...] = ()
    """Every word that it may be, or forms that it may have; empty where there is no such list."""
    optional: bool = False
    """Whether it may be `NONE`."""
    note: str = ""
    """What to know about it, in a few words."""


class EditError(ValueError):
    """A field can't be changed like that.

    Attributes:
        field: its name.
        reason: what is wrong, one clause without a full stop.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class SealedError(EditError):
    """The field is inside a seal that can't be opened with what is known."""


class Draft(NamedTuple):
    """A datagram that is about to go, and where."""

    data: bytes
    to: Address
    ttl: int | None = None
    """None for the usual TTL."""


class TokenSource(NamedTuple):
    """What makes an address token: known for tokens of our own, or from a key log."""

    secret: bytes
    """The issuer's local secret, 32 bytes."""
    host: str
    """Of the address that the token is for."""


@dataclass(frozen=True, slots=True)
class Opener:
    """What is known beyond the bytes of a message."""

    asked: Request | None = None
    """The request that a response answers: it says what the value is."""
    secrets: tuple[bytes, ...] = ()
    """Holepunch secrets that may open its payload; those that don't are passed over."""
    lack: str = "the two noise messages of its attempt were not seen"
    """Why there are no secrets."""
    token: TokenSource | None = None
    """What makes the `token` of its payload."""
    remote_token: TokenSource | None = None
    """What made the `remote_token` that it is to echo."""
    random: Callable[[int], bytes] = token_bytes
    """Gives so many random bytes: nonces, and values written as ``random``."""


NOTHING_KNOWN = Opener()
