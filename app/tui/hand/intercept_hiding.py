"""Held messages behind the mask, while addresses and keys are hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from app.intercept_status import HeldMessage, InterceptStatus, TouchedMessage, Version
from protocol.editing.values import Opener

if TYPE_CHECKING:
    from capture.masking.masking import Masking

LACK: Final = "addresses and keys are hidden"
MOST_TOUCHED: Final = 50
"""Messages on their way again that are masked with each look."""


def hidden(status: InterceptStatus, masking: Masking) -> InterceptStatus:
    """The same status without any real address or key; what is sealed stays closed."""
    return replace(
        status,
        expression=masking.value(status.expression),
        held=tuple(hidden_message(one, masking) for one in status.held),
        touched=tuple(_touched(one, masking) for one in status.touched[:MOST_TOUCHED]),
        rules=tuple(replace(rule, match=masking.value(rule.match)) for rule in status.rules),
    )


def hidden_message(held: HeldMessage, masking: Masking) -> HeldMessage:
    """The same message without any real address or key."""
    return replace(
        held,
        was=_version(held.was, held.opener, masking),
        now=_version(held.now, held.opener, masking),
        label=masking.value(held.label),
        opener=_blind(held.opener, masking),
    )


def _touched(touched: TouchedMessage, masking: Masking) -> TouchedMessage:
    return replace(
        touched,
        was=_version(touched.was, touched.opener, masking),
        now=None if touched.now is None else _version(touched.now, touched.opener, masking),
        label=masking.value(touched.label),
        opener=_blind(touched.opener, masking),
    )


def _version(version: Version, opener: Opener, masking: Masking) -> Version:
    asked = None if opener.asked is None else (opener.asked.internal, opener.asked.command)
    data = masking.datagram(version.data, asked)
    return Version(data, masking.value(version.source), masking.value(version.to), version.ttl)


def _blind(opener: Opener, masking: Masking) -> Opener:
    return Opener(asked=None if opener.asked is None else masking.value(opener.asked), lack=LACK)
