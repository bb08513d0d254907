"""Names and texts of fields, checked before there is a message to change."""

from __future__ import annotations

from typing import Final

from protocol.editing.datagrams import (
    DELIVERY,
    HANDSHAKE,
    HOLEPUNCH,
    PAYLOAD,
    PLAIN_VALUE,
    RAW,
    RECORD,
    REQUEST,
    RESPONSE,
    SEALED,
)
from protocol.editing.fields import PREFIXES
from protocol.editing.kinds import is_none
from protocol.editing.values import EditError, FieldKind, Opener, TokenSource
from protocol.messages import Address

EVERY_LINE: Final = (
    *DELIVERY,
    *HOLEPUNCH,
    *PAYLOAD,
    *HANDSHAKE,
    *RECORD,
    SEALED,
    *REQUEST,
    *RESPONSE,
    PLAIN_VALUE,
    RAW,
)
FIELD_NAMES: Final = tuple(dict.fromkeys(one.name for one in EVERY_LINE))
"""The names of all fields of datagrams."""
_ANY_TOKEN: Final = Opener(token=TokenSource(bytes(32), ""), remote_token=TokenSource(bytes(32), ""), random=bytes)
_EXAMPLES: Final[dict[FieldKind, object]] = {
    FieldKind.NUMBER: 0,
    FieldKind.ADDRESS: Address("192.0.2.1", 1024),
    FieldKind.ADDRESSES: (Address("192.0.2.1", 1024),),
    FieldKind.BYTES: bytes(32),
}
"""What fields were, for texts that change it by some."""


def check_field(name: str, text: str) -> None:
    """See to it that some message has a field of this name that this text can be a value of.

    Raises:
        EditError: none has.
    """
    plain = name.strip().lower().replace("-", "_")
    words = {plain, *(plain.removeprefix(prefix) for prefix in PREFIXES)}
    found = [one for one in EVERY_LINE if one.name in words]
    if not found:
        raise EditError(name, f"no message has such a field; there are {', '.join(FIELD_NAMES)}")
    if is_none(text) and any(one.optional for one in found):
        return
    reason = "it can't be left out"
    for one in found:
        try:
            one.kind.read(text.strip(), _EXAMPLES.get(one.kind.kind), _ANY_TOKEN)
        except ValueError as error:
            reason = str(error)
        else:
            return
    raise EditError(name, reason)
