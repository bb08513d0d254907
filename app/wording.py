"""Words and short forms that every view uses alike: firewall classes, durations, clock times, verdict glyphs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from capture.model import Flow, Outcome, TokenState
from protocol.constants import ErrorCode, Firewall

TOKEN_GLYPHS: Final = {
    TokenState.NOT_ISSUED: "–",
    TokenState.ISSUED: "○",
    TokenState.VERIFIED: "✓",
    TokenState.MISMATCH: "✗",
    TokenState.ADDRESS_CHANGED: "≠",
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


def clock(time: float) -> str:
    """Time of day in UTC with milliseconds: ``10:00:01.020``."""
    return datetime.fromtimestamp(time, UTC).strftime("%H:%M:%S.%f")[:-3]


def date_and_clock(time: float) -> str:
    """Date and time of day in UTC with milliseconds."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"


def took(duration: float) -> str:
    """A duration as a table shows it: ``0.212 s``."""
    return f"{duration:.3f} s"


def state_word(flow: Flow) -> str:
    """One word or two for how the attempt ended, such as ``punched`` or ``both NATs random``."""
    code = str(flow.verdict.code)
    return code + " (fast open)" if flow.fast_open else code


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 attempt``, ``2 attempts``, ``18 302 packets``."""
    grouped = f"{number:,}".replace(",", " ")
    return f"{grouped} {noun if number == 1 else plural or noun + 's'}"
