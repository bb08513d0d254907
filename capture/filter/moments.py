"""Times in a filter: seconds since the first packet, a time of day, or a date with or without one.

A time means as much as is written of it: ``== 12:03`` is that whole minute, ``== 1.5`` a tenth of a second. Of a time
of day or a date ``<=`` and ``>`` count from its end; seconds compare as numbers do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import TYPE_CHECKING, Any, Final

from capture.filter.checks import Check, Held, When
from capture.filter.errors import WrongValueError

if TYPE_CHECKING:
    from capture.arrays import I64, Bools

SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND
_SECONDS: Final = re.compile(r"([+-]?)(\d{1,9})(?:\.(\d{1,9}))?s?\Z")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\Z")
_DATE: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](.+?)(Z|[+-]\d\d:?\d\d)?)?\Z")


@dataclass(frozen=True, slots=True)
class Moment(Check):
    """A time, and what a packet's time has to be to it."""

    operator: str
    start: int
    """Nanoseconds since the first packet, since midnight, or since the epoch, by `scale`."""
    width: int
    """Nanoseconds that it means, from `start` on."""
    scale: str
    """``seconds``, ``clock`` or ``epoch``."""
    zone: tzinfo | None = None
    """In which a time of day is meant; None is the machine's."""

    def holds(self, value: Held) -> bool:
        """Whether a `When` passes."""
        assert isinstance(value, When)
        shift, cycle = self._scale_of(value.began_ns)
        at = value.time_ns - shift
        return bool(self._compare(at % cycle if cycle else at))

    def over(self, times_ns: I64, began_ns: int) -> Bools:
        """The same for many times."""
        shift, cycle = self._scale_of(began_ns)
        if not cycle:
            # The bounds move, not the million times.
            found: Bools = self._compare(times_ns, shift)
            return found
        found = self._compare((times_ns - shift) % cycle)
        return found

    def _compare(self, at: Any, shift: int = 0) -> Any:
        start, end = self.start + shift, self.start + self.width + shift
        return {
            "==": lambda: (at >= start) & (at < end),
            "<": lambda: at < start,
            "<=": lambda: at < end if self.width else at <= start,
            ">": lambda: at >= end if self.width else at > start,
            ">=": lambda: at >= start,
        }[self.operator]()

    def _scale_of(self, began_ns: int) -> tuple[int, int]:
        """What is taken off an epoch time, and after which it begins anew."""
        if self.scale == "epoch":
            return 0, 0
        if self.scale == "seconds":
            return began_ns, 0
        moment = datetime.fromtimestamp(began_ns // SECOND, UTC).astimezone(self.zone)
        offset = moment.utcoffset()
        return (0 if offset is None else -round(offset.total_seconds()) * SECOND), DAY


def moment_of(name: str, operator: str, text: str, zone: tzinfo | None) -> Moment:
    """The check of a comparison with a time.

    Raises:
        WrongValueError: the text is no time.
    """
    found = _SECONDS.match(text)
    if found is not None:
        sign, whole, part = found.groups()
        start = int(whole) * SECOND + int((part or "").ljust(9, "0"))
        width = 10 ** (9 - len(part)) if part else SECOND
        return Moment(operator, -start if sign == "-" else start, width if operator == "==" else 0, "seconds")
    found = _CLOCK.match(text)
    if found is not None:
        start, width = _clock(name, found)
        return Moment(operator, start, width, "clock", zone)
    found = _DATE.match(text)
    if found is not None:
        return _dated(name, operator, found, zone)
    raise WrongValueError(
        f"{name} is a time: seconds since the first packet, 12:34:56.789, or 2025-07-23T12:34:56, not {text!r}"
    )


def _clock(name: str, found: re.Match[str]) -> tuple[int, int]:
    hour, minute, second, part = found.groups()
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 59:
        raise WrongValueError(f"{name}: {found[0]!r} is no time of day")
    start = ((int(hour) * 60 + int(minute)) * 60 + int(second or 0)) * SECOND + int((part or "").ljust(9, "0"))
    return start, 60 * SECOND if second is None else SECOND if part is None else 10 ** (9 - len(part))


def _dated(name: str, operator: str, found: re.Match[str], zone: tzinfo | None) -> Moment:
    day, clock, offset = found.groups()
    start, width = 0, DAY
    if clock is not None:
        of_day = _CLOCK.match(clock)
        if of_day is None:
            raise WrongValueError(f"{name}: {clock!r} is no time of day")
        start, width = _clock(name, of_day)
    try:
        midnight = datetime.combine(date.fromisoformat(day), time())
    except ValueError:
        raise WrongValueError(f"{name}: {day!r} is no date") from None
    seconds, nanoseconds = divmod(start, SECOND)
    moment = midnight.replace(hour=seconds // 3600, minute=seconds // 60 % 60, second=seconds % 60)
    if offset is not None:
        moment = datetime.fromisoformat(moment.isoformat() + ("+00:00" if offset == "Z" else offset))
    elif zone is not None:
        moment = moment.replace(tzinfo=zone)
    try:
        epoch = round(moment.timestamp())
    except (OverflowError, OSError, ValueError):
        raise WrongValueError(f"{name}: {found[0]!r} is no time that a packet can have") from None
    return Moment(operator, epoch * SECOND + nanoseconds, width, "epoch")
