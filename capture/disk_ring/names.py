"""What the files of a ring are called: ``name_00001_20261122210000.pcapng``, number and local time, as dumpcap has it.

There is no index: whoever wants the files of a ring looks for these names. Numbers of more than five digits are
possible; dumpcap begins again with 00000 then.

Source: Wireshark 4.0, ringbuffer.c.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

_NUMBERED: Final = re.compile(r"(?P<stem>.*)_(?P<number>\d{5,9})_(?P<date>\d{14})(?P<ending>(?:\.[^./]*)?)", re.DOTALL)


class RingPart(NamedTuple):
    """A file of a ring; they sort as they were written."""

    number: int
    date: str
    """Local time at which it was begun, ``YYYYmmddHHMMSS``."""
    path: str


def part_path(base: str, number: int, time_s: float) -> str:
    """The name of a file of a ring that is begun now.

    Args:
        base: name of the ring: ``dir/name.pcapng``.
        number: of the file.
        time_s: epoch seconds.
    """
    stem, ending = _split(base)
    return f"{stem}_{number:05}_{time.strftime('%Y%m%d%H%M%S', time.localtime(time_s))}{ending}"


def base_of(path: str) -> str | None:
    """The name of the ring that a file belongs to by its name; None: to none."""
    folder, name = os.path.split(path)
    found = _NUMBERED.fullmatch(name)
    return None if found is None else os.path.join(folder, found["stem"] + found["ending"])


def part_of(path: str) -> RingPart | None:
    """What the name of a file says; None if it is none of a ring's."""
    found = _NUMBERED.fullmatch(os.path.basename(path))
    return None if found is None else RingPart(int(found["number"]), found["date"], path)


def parts_of(base: str) -> list[RingPart]:
    """The files of a ring that are there, in the order in which they were written.

    Raises:
        OSError: its folder can't be read.
    """
    folder = os.path.dirname(base)
    with os.scandir(folder or ".") as entries:
        names = [entry.name for entry in entries if entry.is_file()]
    paths = (os.path.join(folder, name) for name in names)
    return sorted(part for path in paths if base_of(path) == base and (part := part_of(path)) is not None)


def chains(paths: Sequence[str]) -> list[list[str]]:
    """The paths, those of each ring together: in order, at the place of its first one.

    A file that has the name of a ring whose files are there too, is its beginning: that is how a capture goes on for
    which there was no room in its first file.
    """
    bases = {base for path in paths if (base := base_of(path)) is not None}
    found: dict[str, list[str]] = {}
    for number, path in enumerate(paths):
        base = base_of(path)
        if base is None:
            found.setdefault(path if path in bases else f"\0{number}", []).append(path)
        else:
            found.setdefault(base, []).append(path)
    return [sorted(dict.fromkeys(some), key=_place) if len(some) > 1 else some for some in found.values()]


def _place(path: str) -> tuple[int, str]:
    part = part_of(path)
    return (-1, "") if part is None else (part.number, part.date)


def _split(base: str) -> tuple[str, str]:
    folder, name = os.path.split(base)
    stem, dot, ending = name.rpartition(".")
    if not dot:
        return base, ""
    return os.path.join(folder, stem), dot + ending
