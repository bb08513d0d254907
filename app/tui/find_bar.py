"""The line where one types what to find."""

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


class Finding(Bar):
    """Says in words and a glyph what was found."""

    def __init__(self) -> None:
        super().__init__(id="finding")
        self._text = ""
        self._good = True

    def say(self, text: str, *, good: bool) -> None:
        """Say something, of any origin."""
        self._text, self._good = safe_text(text), good
        self.repaint()

    def line(self) -> Line:
        """The words."""
        return (Span(clip(f" {self._text}", self.size.width), Tone.GOOD if self._good else Tone.BAD),)


class FindBar(Vertical):
    """An input that is looked for while one types. Enter stays at what was found, Esc goes back."""

    BINDINGS = bindings_of(Context.FINDING)

    DEFAULT_CSS = """
    FindBar { height: 2; width: 100%; display: none; }
    FindBar Input { width: 100%; height: 1; border: none; padding: 0 1; background: $panel; }
    FindBar Input:focus { border: none; background-tint: transparent; }
    """

    class Typed(Message):
        """Another text is looked for."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Stepped(Message):
        """On to the next match, or back to the one before."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Closed(Message):
        """The bar is gone. `kept`: the user wants to stay at what was found."""

        def __init__(self, *, kept: bool) -> None:
            super().__init__()
            self.kept = kept

    def __init__(self) -> None:
        super().__init__(id="find")

    @property
    def lines(self) -> int:
        """Screen lines that it takes now."""
        return 2 if self.display else 0

    def compose(self) -> ComposeResult:
        """The input, and under it what was found."""
        yield Input(id="sought", placeholder="text, /regular expression/ or a filter", compact=True)
        yield Finding()

    def open(self, where: str, text: str) -> None:
        """Let the user type what to find.

        Args:
            where: the list that is looked through.
            text: what was looked for last, selected so that typing replaces it.
        """
        self.display = True
        self.query_one(Finding).say(f"find in: {where}", good=True)
        entry = self.query_one(Input)
        if entry.value != text:
            with self.prevent(Input.Changed):
                entry.value = text
        entry.focus()
        entry.action_select_all()

    def say(self, text: str, *, good: bool = True) -> None:
        """Say what was found."""
        self.query_one(Finding).say(text, good=good)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for it at once."""
        event.stop()
        if self.display:
            self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Stay there."""
        event.stop()
        self.action_keep()

    def action_keep(self) -> None:
        """Stay at what was found."""
        self._close(kept=True)

    def action_cancel(self) -> None:
        """Go back to where the search began."""
        self._close(kept=False)

    def action_step(self, step: int) -> None:
        """To another match, and go on typing."""
        self.post_message(self.Stepped(step))

    def _close(self, *, kept: bool) -> None:
        if self.display:
            self.display = False
            self.post_message(self.Closed(kept=kept))
