"""Held messages behind the mask, while addresses and keys are hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.intercept_status import HeldMessage, InterceptStatus, TouchedMessage, Version
from protocol.editing.values import Opener

if TYPE_CHECKING:
    from capture.masking.masking import Masking

LACK = "addresses and keys are hidden"


def hidden(status: InterceptStatus, masking: Masking) -> InterceptStatus:
    """The same status without any real address or key; what is sealed stays closed."""

    def version(one: Version, opener: Opener) -> Version:
        asked = None if opener.asked is None else (opener.asked.internal, opener.asked.command)
        data = masking.datagram(one.data, asked)
        return Version(data, masking.value(one.source), masking.value(one.to), one.ttl)

    def blind(opener: Opener) -> Opener:
        return Opener(asked=None if opener.asked is None else masking.value(opener.asked), lack=LACK)

    def held(one: HeldMessage) -> HeldMessage:
        return replace(
            one,
            was=version(one.was, one.opener),
            now=version(one.now, one.opener),
            label=masking.value(one.label),
            opener=blind(one.opener),
        )

    def touched(one: TouchedMessage) -> TouchedMessage:
        return replace(
            one,
            was=version(one.was, one.opener),
            now=None if one.now is None else version(one.now, one.opener),
            label=masking.value(one.label),
            opener=blind(one.opener),
        )

    return replace(
        status,
        expression=masking.value(status.expression),
        held=tuple(map(held, status.held)),
        touched=tuple(map(touched, status.touched)),
        rules=tuple(replace(rule, match=masking.value(rule.match)) for rule in status.rules),
    )
