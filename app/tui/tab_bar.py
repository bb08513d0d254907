"""Titles of numbered pages on one line; a click turns to one as its number does."""

from __future__ import annotations

import re
from typing import ClassVar, Final

from textual.events import Click

from app.terminal_text import cell_width
from app.tui.bars import Bar

_TAB: Final = re.compile(r"(?<![^\s\[])([1-9]) [^\s\]]+(?: [^\s\]]+)*")
"""A number and its title, whose words have one blank between."""


class TabBar(Bar):
    """The base of such lines."""

    TURNS: ClassVar[str]
    """Name of the screen's action that takes the number."""

    def number_at(self, x: int) -> int | None:
        """The number of the page whose title is at a cell."""
        text = "".join(span.text for span in self.line())
        for tab in _TAB.finditer(text):
            if cell_width(text[: tab.start()]) <= x < cell_width(text[: tab.end()]):
                return int(tab[1])
        return None

    async def on_click(self, event: Click) -> None:
        """Turn to the page whose title was clicked."""
        number = self.number_at(event.x)
        if number is not None:
            await self.screen.run_action(f"{self.TURNS}({number})")
