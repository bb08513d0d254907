"""When a ring begins its next file, and how many it keeps; written as dumpcap's option ``-b`` has it.

Source: dumpcap(1), options -b and -w; Wireshark 4.0, dumpcap.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

_KILOBYTE: Final = 1000
"""What dumpcap means by kB."""
_MOST_FILES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the files of a ring; None: no such bound."""

    file_bytes: int | None = None
    """A file does not grow beyond this, unless a single packet does."""
    packets: int | None = None
    duration: float | None = None
    """Seconds after which a file with packets is followed by another."""
    interval: float | None = None
    """The same at every moment that divides by so many seconds of the clock."""
    files: int | None = None
    """Files that are kept; the oldest go."""

    @property
    def splits(self) -> bool:
        """Whether there is ever a second file."""
        return any(bound is not None for bound in (self.file_bytes, self.packets, self.duration, self.interval))


NO_BOUNDS: Final = Bounds()


def read_bound(text: str) -> Bounds:
    """One bound: ``filesize:KB``, ``packets:N``, ``duration:S``, ``interval:S`` or ``files:N``.

    Raises:
        ValueError: it is none; the message says what would be.
    """
    name, _, value = text.partition(":")
    if name in ("duration", "interval"):
        seconds = _seconds(name, value)
        return Bounds(duration=seconds) if name == "duration" else Bounds(interval=seconds)
    if name in ("filesize", "packets", "files"):
        number = int(value) if value.isascii() and value.isdigit() and len(value) <= 12 else 0
        if not number:
            raise ValueError(f"{name}: is followed by a whole number from 1, as in {name}:10")
        if name == "filesize":
            return Bounds(file_bytes=number * _KILOBYTE)
        if name == "files" and number > _MOST_FILES:
            raise ValueError(f"a ring has {_MOST_FILES} files at most")
        return Bounds(packets=number) if name == "packets" else Bounds(files=number)
    raise ValueError("filesize:KB, packets:N, duration:S, interval:S or files:N")


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise ValueError(f"{name}: is followed by a positive number of seconds, as in {name}:60")
    return seconds


def together(bounds: Iterable[Bounds]) -> Bounds:
    """Several as one; of two of a kind the later one counts.

    Raises:
        ValueError: with a number of files, nothing says when the next one begins.
    """
    whole = NO_BOUNDS
    for bound in bounds:
        given = {name: value for name in Bounds.__slots__ if (value := getattr(bound, name)) is not None}
        whole = replace(whole, **given)
    if whole.files is not None and not whole.splits:
        raise ValueError("files:N goes with filesize:, packets:, duration: or interval:, which say when one ends")
    return whole
