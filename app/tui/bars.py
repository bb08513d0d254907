"""Single lines: the status line on top, the banner for what is wrong with a file, the footer with keys."""

from __future__ import annotations

import os
from collections.abc import Sequence

from textual.events import Click
from textual.strip import Strip
from textual.widget import Widget

from app.draw.spans import Line, Span, Tone, width_of
from app.terminal_text import cell_width, clip, safe_text
from app.tui.keys.action import NUMBERED, Action, key_text
from app.tui.palette import palette_of
from app.wording import counted as number_of
from app.wording import grouped
from capture.model import FileSummary


class Bar(Widget):
    """A widget of one line."""

    DEFAULT_CSS = "Bar { height: 1; width: 100%; }"

    _painted: Line | None = None
    """What stands on screen."""

    def line(self) -> Line:
        """What the bar says, at the present width."""
        return ()

    def render_line(self, y: int) -> Strip:
        """The one line."""
        self._painted = self.line() if y == 0 else ()
        return palette_of(self.app).strip(self._painted, self.size.width)

    def repaint(self) -> None:
        """Paint the line if it says something else than what stands there."""
        if self._painted is None or not self.display or self.line() != self._painted:
            self.refresh()


class StatusLine(Bar):
    """What is open, and the counts of it."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self._parts: list[tuple[str, Tone]] = []
        self._opened = ""
        self._state: tuple[str, Tone] = ("", Tone.PLAIN)

    def show(
        self,
        files: Sequence[FileSummary],
        attempts: int,
        failed: int,
        *,
        counted: bool,
        shown: int,
        filter_text: str,
        live: str = "",
        dropped: int | None = None,
    ) -> None:
        """Take new counts.

        Args:
            files: what is open.
            attempts: how many attempts there are.
            failed: how many of them failed, as far as is known.
            counted: whether it is known of all.
            shown: how many of them pass the filter.
            filter_text: the filter, if any.
            live: what to say of a live source, such as ``● live eth0``.
            dropped: packets lost before they could be read; None for files.
        """
        names = [safe_text(os.path.basename(file.path) or file.path) for file in files]
        self._opened = names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "") if names else ""
        undecodable = sum(file.undecodable for file in files)
        duplicates = sum(file.duplicates for file in files)
        self._parts = [
            (number_of(attempts, "attempt"), Tone.STRONG),
            (f"{'✗ ' if failed else ''}{failed}{'' if counted else '…'} failed", Tone.BAD if failed else Tone.DIM),
            (number_of(sum(file.packets for file in files), "packet"), Tone.PLAIN),
            (f"{grouped(sum(file.dht_messages for file in files))} DHT", Tone.PLAIN),
        ]
        if dropped is not None:
            self._parts.append((f"{dropped} dropped", Tone.WARN if dropped else Tone.DIM))
        self._parts.append((f"{undecodable} undecodable", Tone.WARN if undecodable else Tone.DIM))
        if duplicates:
            self._parts.append((number_of(duplicates, "duplicate"), Tone.DIM))
        self._state = (live, Tone.GOOD)
        if filter_text:
            self._state = (f"{live}  / {safe_text(filter_text)} ({shown} of {attempts})".strip(), Tone.KEY)
        self.repaint()

    def line(self) -> Line:
        """Name, then as many counts as there is room for, then the filter or the live state at the right."""
        width = self.size.width
        state = clip(self._state[0], max(0, width // 2))
        spans = [Span(" peephole ", Tone.KEY), Span(clip(self._opened, max(8, width // 4)), Tone.STRONG), Span("  ")]
        room = width - width_of(tuple(spans)) - cell_width(state) - 2
        for index, (text, tone) in enumerate(self._parts):
            between = " · " if index else " "
            if cell_width(text) + len(between) > room:
                break
            spans += [Span(between, Tone.RULE), Span(text, tone)]
            room -= cell_width(text) + len(between)
        spans += [Span(" " * max(1, room)), Span(state, self._state[1])]
        return tuple(spans)


class Banner(Bar):
    """What is wrong with what was read; hidden when nothing is."""

    def __init__(self) -> None:
        super().__init__(id="banner")
        self.display = False
        self._text = ""

    def show(self, oddities: Sequence[str]) -> None:
        """Show the first oddity and how many more there are."""
        self.display = bool(oddities)
        more = f"  (+{len(oddities) - 1} more, see v)" if len(oddities) > 1 else ""
        self._text = f" ! {safe_text(oddities[0])}{more}" if oddities else ""
        self.repaint()

    def line(self) -> Line:
        """The text, on one line."""
        return (Span(clip(self._text, self.size.width), Tone.WARN),)


class ActionBar(Bar):
    """Keys for where the keyboard is; a click works as the key does."""

    def __init__(self) -> None:
        super().__init__(id="actions")
        self._actions: Sequence[Action] = ()
        self._places: list[tuple[int, int, Action]] = []

    def show(self, actions: Sequence[Action]) -> None:
        """Offer these actions, best rank first."""
        ranked = sorted((action for action in actions if action.rank), key=lambda action: action.rank)
        if ranked != list(self._actions):
            self._actions = ranked
            self.refresh()

    def line(self) -> Line:
        """As many as fit; back and help, ranked last, always."""
        width = self.size.width
        last = [action for action in self._actions if action.rank >= 90]
        room = width - sum(self._cells(action) for action in last) - 1
        chosen: list[Action] = []
        for action in self._actions:
            if action.rank < 90:
                if self._cells(action) > room:
                    break
                room -= self._cells(action)
                chosen.append(action)
        spans: list[Span] = [Span(" ")]
        self._places = []
        x = 1
        for action in (*chosen, *last):
            key = self._key(action)
            spans += [Span(key, Tone.KEY), Span(f" {action.label}  ", Tone.DIM)]
            self._places.append((x, x + self._cells(action) - 2, action))
            x += self._cells(action)
        return tuple(spans)

    async def on_click(self, event: Click) -> None:
        """Do what was clicked."""
        for start, end, action in self._places:
            if start <= event.x < end:
                self.app.simulate_key(action.keys.split(",")[0])
                return

    def _key(self, action: Action) -> str:
        return key_text(action.keys if action.method in NUMBERED else action.keys.split(",")[0])

    def _cells(self, action: Action) -> int:
        return cell_width(self._key(action)) + cell_width(action.label) + 3
