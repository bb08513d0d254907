"""Single lines: the status line on top, the banner for what is wrong with a file, the footer with keys."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, NamedTuple

from textual.events import Click
from textual.strip import Strip
from textual.widget import Widget

from app.draw.spans import Line, Span, Tone, width_of
from app.terminal_text import cell_width, clip, safe_text
from app.tui.kept_lines import keep_lines
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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        keep_lines(self)

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


class _Part(NamedTuple):
    """A count on the status line."""

    text: str
    tone: Tone
    weight: int
    """Where there is little room, parts of low weight are kept."""


_VITAL: Final = 2
"""Parts of this weight and less: attempts, failures, what waits for the user, and what was lost."""


class StatusLine(Bar):
    """What is open, and the counts of it."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self._parts: list[_Part] = []
        self._opened = ""
        self._state: tuple[tuple[str, ...], Tone] = ((), Tone.PLAIN)

    def show(
        self,
        files: Sequence[FileSummary],
        attempts: int,
        failed: int,
        *,
        counted: bool,
        shown: int,
        filter_text: str,
        live: Sequence[str] = (),
        dropped: int | None = None,
        progress: str = "",
        let_go: int = 0,
        held: int = 0,
        unsaved: int = 0,
    ) -> None:
        """Take new counts.

        Args:
            files: what is open.
            attempts: how many attempts there are.
            failed: how many of them failed, as far as is known.
            counted: whether it is known of all.
            shown: how many of them pass the filter.
            filter_text: the filter, if any.
            live: what to say of a live source, such as ``● live eth0`` and how its packets come; the first matter most.
            dropped: packets lost before they could be read; None for files, which may say it themselves.
            progress: what is being worked out, if anything.
            let_go: attempts that were let go to keep within a bound.
            held: messages that are held on their way, until somebody lets them go.
            unsaved: packets that are missing in a file that was to be written.
        """
        waiting = f"‖ {grouped(held)} held: I shows {'it' if held == 1 else 'them'}"
        names = [safe_text(os.path.basename(file.path) or file.path) for file in files]
        self._opened = names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "") if names else ""
        lost = [file.dropped for file in files if file.dropped is not None] if dropped is None else [dropped]
        self._parts = [
            *([_Part(waiting, Tone.WARN, -1)] if held else []),
            _Part(number_of(attempts, "attempt"), Tone.STRONG, 0),
            _Part(
                f"{'✗ ' if failed else ''}{grouped(failed)}{'' if counted else '…'} failed",
                Tone.BAD if failed else Tone.DIM,
                1,
            ),
            _Part(number_of(sum(file.packets for file in files), "packet"), Tone.PLAIN, 4),
            _Part(f"{grouped(sum(file.dht_messages for file in files))} DHT", Tone.PLAIN, 5),
            _Part(f"{grouped(sum(file.udx for file in files))} UDX", Tone.DIM, 7),
            _Part(number_of(sum(file.punches for file in files), "punch", "punches"), Tone.DIM, 8),
            _counted_trouble(sum(file.undecodable for file in files), "undecodable", 3, 9),
            *([_counted_trouble(sum(lost), "dropped", 2, 6)] if lost else []),
        ]
        if unsaved:
            self._parts.append(_Part(f"! {grouped(unsaved)} not saved", Tone.WARN, 2))
        if let_go:
            self._parts.append(_Part(f"{grouped(let_go)} let go", Tone.DIM, 3))
        duplicates = sum(file.duplicates for file in files)
        if duplicates:
            self._parts.append(_Part(number_of(duplicates, "duplicate"), Tone.DIM, 10))
        self._state = (tuple(part for part in live if part), Tone.GOOD)
        if filter_text:
            said = f"{live[0] if live else ''}  / {safe_text(filter_text)} ({shown} of {attempts})".strip()
            self._state = ((said,), Tone.KEY)
        if progress:
            self._state = ((progress,), Tone.KEY)
        self.repaint()

    def line(self) -> Line:
        """Name, the counts that matter most, as many as there is room for, then filter or live state at the right."""
        width = self.size.width
        spans = [Span(" peephole ", Tone.KEY), Span(clip(self._opened, max(8, width // 4)), Tone.STRONG), Span("  ")]
        left = width - width_of(tuple(spans)) - 2
        # What was lost comes before how packets come.
        vital = {part for part in self._parts if part.weight <= _VITAL}
        for count in range(max(1, len(self._state[0])), 0, -1):
            state = _as_many_as_fit(self._state[0][:count], max(0, width // 2))
            kept = self._fitting(left - cell_width(state))
            if vital <= kept:
                break
        for number, part in enumerate(part for part in self._parts if part in kept):
            spans += [Span(" · " if number else " ", Tone.RULE), Span(part.text, part.tone)]
        blanks = width - width_of(tuple(spans)) - cell_width(state) - 1
        return (*spans, Span(" " * max(1, blanks)), Span(state, self._state[1]))

    def _fitting(self, room: int) -> set[_Part]:
        """The parts that matter most, as many as there is room for."""
        kept: set[_Part] = set()
        for part in sorted(self._parts, key=lambda part: part.weight):
            cells = cell_width(part.text) + (3 if kept else 1)
            if cells > room:
                break
            room -= cells
            kept.add(part)
        return kept


def _as_many_as_fit(parts: Sequence[str], width: int) -> str:
    """The first parts that there is room for, of the very first as much as there is."""
    text = clip(parts[0], width) if parts else ""
    for part in parts[1:]:
        longer = f"{text} · {part}"
        if cell_width(longer) > width:
            break
        text = longer
    return text


def _counted_trouble(number: int, word: str, weight: int, harmless: int) -> _Part:
    """A count that matters where it is not zero."""
    sign = "! " if number else ""
    return _Part(f"{sign}{grouped(number)} {word}", Tone.WARN if number else Tone.DIM, weight if number else harmless)


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
        ranked = sorted((action for action in actions if action.rank and action.keys), key=lambda action: action.rank)
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
