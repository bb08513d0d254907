"""Work that nobody waits for makes way while the user presses keys or moves the mouse."""

from __future__ import annotations

from asyncio import sleep
from time import monotonic
from typing import Final

PAUSE: Final = 0.1
"""Seconds without a key or the mouse after which work goes on."""


class GivingWay:
    """Knows when the user did something last."""

    def __init__(self) -> None:
        self._last = -PAUSE

    def note(self) -> None:
        """The user does something."""
        self._last = monotonic()

    async def breathe(self) -> None:
        """Between two slices of work: give way to others, and as long as the user does something, stay away."""
        await sleep(0)
        while (left := self._last + PAUSE - monotonic()) > 0:
            await sleep(left)
