"""The filter: typed under the list, judged with every key."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from app.draw.spans import Line, Span, Tone
from app.terminal_text import clip, safe_text
from app.tui.bars import Bar
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from capture.filter import Filter, FilterError, parse_filter


class Judgement(Bar):
    """Says in words and a glyph whether the expression holds."""

    def __init__(self) -> None:
        super().__init__(id="judgement")
        self._text = ""
        self._good = True

    def show(self, text: str, *, good: bool) -> None:
        """Say something."""
        self._text, self._good = text, good
        self.refresh()

    def line(self) -> Line:
        """Glyph and words."""
        tone = Tone.GOOD if self._good else Tone.BAD
        return (Span(clip(f" {'✓' if self._good else '✗'} {self._text}", self.size.width), tone),)


class FilterBar(Vertical):
    """An input that applies every valid expression at once. Enter keeps it, Esc goes back to the one before."""

    BINDINGS = bindings_of(Context.FILTER)

    DEFAULT_CSS = """
    FilterBar { height: 2; display: none; }
    FilterBar Input { width: 100%; height: 1; border: none; padding: 0 1; background: $panel; }
    FilterBar Input:focus { border: none; background-tint: transparent; }
    """

    class Applied(Message):
        """Another filter holds. `done` when the user has finished."""

        def __init__(self, wanted: Filter, *, done: bool) -> None:
            super().__init__()
            self.wanted = wanted
            self.done = done

    def __init__(self) -> None:
        super().__init__(id="filter")
        self._before = parse_filter("")
        self._valid = self._before

    @property
    def lines(self) -> int:
        """Screen lines that it takes now."""
        return 2 if self.display else 0

    def compose(self) -> ComposeResult:
        """The input, and under it the judgement."""
        yield Input(
            id="expression", placeholder="verdict != punched and rounds > 1", compact=True, select_on_focus=False
        )
        yield Judgement()

    def open(self, current: Filter) -> None:
        """Let the user type, starting from the present filter."""
        self._before = self._valid = current
        self.display = True
        entry = self.query_one(Input)
        entry.value = current.text
        entry.cursor_position = len(current.text)
        entry.focus()

    def judge(self, shown: int, total: int) -> None:
        """Say how many attempts pass."""
        self.query_one(Judgement).show(f"{shown} of {total} attempts", good=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Apply what is valid; say what is wrong with the rest."""
        event.stop()
        if not self.display:
            return
        try:
            self._valid = parse_filter(event.value)
        except FilterError as error:
            self.query_one(Judgement).show(safe_text(str(error)), good=False)
            return
        self.post_message(self.Applied(self._valid, done=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the last valid expression."""
        event.stop()
        self.action_keep()

    def action_keep(self) -> None:
        """Keep the last valid expression."""
        self._close(self._valid)

    def action_cancel(self) -> None:
        """Go back to the filter from before."""
        self._close(self._before)

    def _close(self, wanted: Filter) -> None:
        self.display = False
        self.post_message(self.Applied(wanted, done=True))
