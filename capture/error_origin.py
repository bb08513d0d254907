"""Which of hyperdht's errors an application saw, and what was behind it.

Nearly every failure reaches the application as HOLEPUNCH_ABORTED: destroying the puncher reports the abort before the
error that was made for it. That code has six origins in the library, and other errors hide behind the third; the wire
tells them apart.

Source: npm hyperdht 6.34.0 (lib/connect.js, lib/errors.js).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from capture.flow import Flow
from capture.model import VerdictCode
from capture.nat_class import known_class
from protocol.constants import ErrorCode, Firewall


class AbortOrigin(IntEnum):
    """The places that make HOLEPUNCH_ABORTED, in the order in which an attempt passes them."""

    PASSIVE_WAIT = 1
    LAN_PING = 2
    PUNCHER_GONE = 3
    VETO = 4
    RANDOM_LIMIT = 5
    TRY_LATER = 6


ORIGIN_WORDS: Final = {
    AbortOrigin.PASSIVE_WAIT: "the client is open and waited ten seconds for the server to come",
    AbortOrigin.LAN_PING: "the PING on the local network failed, and the server can't be punched",
    AbortOrigin.PUNCHER_GONE: "the puncher was destroyed, by itself after its last punch or by an error",
    AbortOrigin.VETO: "the application's own holepunch option said no",
    AbortOrigin.RANDOM_LIMIT: "the client is at its own limit of random punches, and has no blind relay",
    AbortOrigin.TRY_LATER: "the server said TRY_LATER, and the client has no blind relay",
}


@dataclass(frozen=True, slots=True)
class ErrorOrigin:
    """What the application saw, and why."""

    raised: str
    """The code that reached the application."""
    masked: str | None
    """The code that the library made first and that the application did not see."""
    origin: AbortOrigin | None
    """Of HOLEPUNCH_ABORTED alone."""
    likely: bool
    """The packets fit several origins; this one is the most likely."""


_MASKED: Final = {
    VerdictCode.BOTH_NATS_RANDOM: "HOLEPUNCH_DOUBLE_RANDOMIZED_NATS",
    VerdictCode.NAT_UNKNOWN: "HOLEPUNCH_PROBE_TIMEOUT",
    VerdictCode.ABORTED_BY_SERVER: "REMOTE_ABORTED",
    VerdictCode.TRY_LATER: "REMOTE_ABORTED",
    VerdictCode.PROBE_UNANSWERED: "REQUEST_TIMEOUT",
    VerdictCode.PUNCH_UNANSWERED: "REQUEST_TIMEOUT",
}


def error_origin(flow: Flow) -> ErrorOrigin | None:
    """Where the error of a failed attempt comes from; None if it is not known that the application saw one."""
    verdict = flow.verdict
    raised = verdict.application_error
    if raised is None:
        return None
    if raised != "HOLEPUNCH_ABORTED":
        return ErrorOrigin(raised, None, None, verdict.inferred)
    masked = _MASKED.get(verdict.code)
    if verdict.code is VerdictCode.UNVERIFIED_ADDRESS:
        masked = "REMOTE_ABORTED" if _server_refused(flow) else "REMOTE_NOT_HOLEPUNCHABLE"
    if verdict.code is VerdictCode.ABORTED_BY_CLIENT:
        return _by_client(flow, raised)
    return ErrorOrigin(raised, masked, AbortOrigin.PUNCHER_GONE, verdict.inferred)


def _by_client(flow: Flow, raised: str) -> ErrorOrigin:
    """The client's own decision: it says so on the wire if its application has a veto, and is silent at its limit."""
    if any(one.request is not None and one.request.error == ErrorCode.ABORTED for one in flow.rounds):
        return ErrorOrigin(raised, raised, AbortOrigin.VETO, flow.verdict.inferred)
    if flow.client_firewall == Firewall.OPEN:
        return ErrorOrigin(raised, None, AbortOrigin.PASSIVE_WAIT, likely=True)
    if not flow.rounds and any(one.sent.pings for one in flow.candidates):
        return ErrorOrigin(raised, None, AbortOrigin.LAN_PING, likely=True)
    if Firewall.RANDOM in (known_class(flow, client=True).firewall, known_class(flow, client=False).firewall):
        return ErrorOrigin(raised, raised, AbortOrigin.RANDOM_LIMIT, likely=True)
    return ErrorOrigin(raised, None, AbortOrigin.PUNCHER_GONE, likely=True)


def _server_refused(flow: Flow) -> bool:
    return any(one.reply is not None and one.reply.error != ErrorCode.NONE for one in flow.rounds)
