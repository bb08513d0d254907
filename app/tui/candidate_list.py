"""A small list over the panes: what can be typed next, each with what it means."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from app.draw.spans import Line, Span, Tone, cell
from app.terminal_text import cell_width, clip, safe_text
from app.tui.completing import Candidate
from app.tui.palette import palette_of

MOST_SHOWN = 7
MOST_CELLS = 76
MOST_NAMES = 44


class CandidateList(Widget):
    """Proposals, one of which may be selected."""

    DEFAULT_CSS = """
    CandidateList { overlay: screen; constrain: inside inside; width: auto; height: auto; display: none;
        background: $panel; }
    """

    class Taken(Message):
        """A proposal was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self) -> None:
        super().__init__(id="candidates")
        self._candidates: Sequence[Candidate] = ()
        self._top = 0
        self.selected: int | None = None
        """The one that arrows went to; None while they were not used."""

    def show(self, candidates: Sequence[Candidate], column: int) -> None:
        """Propose these, under a column of the line; none hides the list."""
        self._candidates = candidates
        self._top, self.selected = 0, None
        self.display = bool(candidates)
        width, height = self._cells()
        self.styles.width, self.styles.height = width, height
        self.styles.offset = (max(0, min(column, self.app.size.width - width)), 0)
        self.refresh(layout=True)

    def choose(self, step: int) -> None:
        """Select another one, round and round."""
        count = len(self._candidates)
        self.selected = (step > 0) - 1 if self.selected is None else self.selected + step
        self.selected %= count
        self._top = min(max(self._top, self.selected - self._shown + 1), self.selected)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One proposal."""
        index = self._top + y
        palette = palette_of(self.app)
        if index >= len(self._candidates):
            return palette.strip((), self.size.width)
        chosen = index == self.selected
        return palette.strip(self._line(index), self.size.width, palette.cursor if chosen else palette.cursor_away)

    def on_click(self, event: Click) -> None:
        """Take the one under the mouse."""
        index = self._top + event.y
        if index < len(self._candidates):
            self.post_message(self.Taken(index))

    @property
    def _shown(self) -> int:
        return min(len(self._candidates), MOST_SHOWN)

    def _names(self) -> int:
        return max((cell_width(safe_text(one.text)) for one in self._candidates), default=0)

    def _cells(self) -> tuple[int, int]:
        most = min(MOST_CELLS, self.app.size.width)
        says = max((cell_width(safe_text(one.says)) for one in self._candidates), default=0)
        return min(most, min(self._names(), MOST_NAMES) + says + 8), self._shown

    def _line(self, index: int) -> Line:
        one = self._candidates[index]
        sign = "▶" if index == self.selected else " "
        more = index == self._top + self._shown - 1 and index + 1 < len(self._candidates)
        names = min(self._names(), MOST_NAMES, self.size.width - 6)
        says = clip(safe_text(one.says), max(0, self.size.width - names - 6))
        return (
            Span(f"{sign} ", Tone.KEY),
            cell(safe_text(one.text), names, Tone.STRONG),
            Span("  "),
            Span(says, Tone.DIM),
            Span("  …" if more else "", Tone.DIM),
        )
