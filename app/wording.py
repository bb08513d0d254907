"""Words and short forms that every view uses alike: names of numbers, glyphs, counts, dates."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Final

from app.counts import counted, grouped
from capture.model import Outcome, TokenState
from protocol.constants import ErrorCode, Firewall

__all__ = [
    "OUTCOME_GLYPHS",
    "TOKEN_GLYPHS",
    "clock",
    "counted",
    "date_and_clock",
    "day",
    "error_name",
    "firewall_name",
    "grouped",
    "local",
    "zone_name",
]

TOKEN_GLYPHS: Final = {
    TokenState.NOT_ISSUED: "–",
    TokenState.ISSUED: "○",
    TokenState.VERIFIED: "✓",
    TokenState.MISMATCH: "✗",
    TokenState.ADDRESS_CHANGED: "≠",
    TokenState.NOT_ECHOED: "⊘",
    TokenState.NOT_ACCEPTED: "!",
    TokenState.UNREADABLE: "?",
}
OUTCOME_GLYPHS: Final = {Outcome.CONNECTED: "●", Outcome.FAILED: "✗", Outcome.UNKNOWN: "?"}


def firewall_name(firewall: int | None) -> str | None:
    """Upstream's name of a firewall class, ``FIREWALL(n)`` for a number it has no name for, None for None."""
    if firewall is None:
        return None
    try:
        return Firewall(firewall).name
    except ValueError:
        return f"FIREWALL({firewall})"


def error_name(error: int) -> str:
    """Upstream's name of an error code in a payload, ``ERROR(n)`` for a number it has no name for."""
    try:
        return ErrorCode(error).name
    except ValueError:
        return f"ERROR({error})"


def local(time: float, zone: tzinfo | None = None) -> datetime:
    """The moment to the millisecond. People see times in their own zone, as in Wireshark and sngrep; JSON has epochs.

    Args:
        time: epoch seconds.
        zone: None is the machine's own.
    """
    return datetime.fromtimestamp(round(time, 3), UTC).astimezone(zone)


def clock(time: float, zone: tzinfo | None = None) -> str:
    """Time of day with milliseconds; the zone is said once per view, see `zone_name`."""
    return local(time, zone).strftime("%H:%M:%S.%f")[:-3]


def day(time: float, zone: tzinfo | None = None) -> str:
    """The date."""
    return local(time, zone).strftime("%Y-%m-%d")


def zone_name(time: float, zone: tzinfo | None = None) -> str:
    """How the zone is called at that moment, ``CEST``, or its distance from UTC where it has no name."""
    moment = local(time, zone)
    return moment.strftime("%Z") or moment.strftime("%z")


def date_and_clock(time: float, zone: tzinfo | None = None) -> str:
    """Date, time of day with milliseconds, and zone."""
    return f"{day(time, zone)} {clock(time, zone)} {zone_name(time, zone)}"
