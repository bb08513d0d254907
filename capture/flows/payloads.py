"""Opening the payloads of an attempt's rounds with its secret."""

from __future__ import annotations

from typing import Final

from capture.flows.altered import brought, passed_on
from capture.flows.attempt import Attempt
from protocol.errors import DecodeError
from protocol.messages import HolepunchPayload
from protocol.sealed_values import decode_holepunch_payload
from protocol.secretbox import open_payload

CUT: Final = "the capture kept only the start of it"


def open_rounds(attempt: Attempt) -> None:
    """Open every payload of an attempt that is still closed and can be opened."""
    for exchange in attempt.holepunches:
        if not exchange.whole:
            exchange.opened_reason = CUT
        elif exchange.opened is None:
            exchange.opened, exchange.opened_reason = _open(attempt, exchange.body)
        if exchange.reply is None:
            for answer in exchange.answers:
                exchange.reply, exchange.reply_reason = _open(attempt, answer)
                if exchange.reply is not None:
                    break
            else:
                if not exchange.answers:
                    exchange.reply_reason = "no answer seen" if exchange.answered is None else CUT
        if exchange.opened is not None and exchange.heard is None:
            exchange.heard = _changed(attempt, exchange.opened, passed_on(exchange))
        if exchange.reply is not None and exchange.heard_reply is None:
            exchange.heard_reply = _changed(attempt, exchange.reply, brought(exchange))


def _changed(attempt: Attempt, said: HolepunchPayload, sealed: bytes | None) -> HolepunchPayload | None:
    """What a relay made of a payload; None where it says the same."""
    if sealed is None:
        return None
    heard, _ = _open(attempt, sealed)
    return None if heard == said else heard


def _open(attempt: Attempt, sealed: bytes) -> tuple[HolepunchPayload | None, str]:
    if attempt.holepunch_secret is None:
        return None, attempt.key_reason
    plaintext = open_payload(attempt.holepunch_secret, sealed)
    if plaintext is None:
        return None, "the attempt's secret does not open it: altered, cut, or of another attempt"
    attempt.plaintexts[sealed] = plaintext
    try:
        return decode_holepunch_payload(plaintext), ""
    except DecodeError as error:
        return None, f"opened, but malformed: {error}"
