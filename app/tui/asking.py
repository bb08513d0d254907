"""A line of text that is asked for: a comment, a name, a file name."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from app.draw.linked import Linked, paragraph
from app.draw.spans import Tone
from app.terminal_text import safe_text
from app.tui.bars import ActionBar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.linked_view import LinkedView


class AskScreen(ModalScreen[str | None], inherit_bindings=False):
    """Asks for one line; closes with it, or None.

    Args:
        title: what is asked for.
        text: what stands there at first.
        hint: what to write, and what an empty line does.
    """

    BINDINGS: ClassVar = [*bindings_of(Context.ASKING), *bindings_of(Context.EVERYWHERE, namespace="app.")]

    DEFAULT_CSS = """
    AskScreen { align: center middle; }
    AskScreen > Vertical { width: 76; max-width: 100%; height: auto; background: $background;
        border: round $border; padding: 0 1; }
    AskScreen LinkedView { height: auto; max-height: 6; }
    AskScreen Input { width: 100%; height: 1; border: none; padding: 0 1; background: $panel; }
    AskScreen Input:focus { border: none; background-tint: transparent; }
    """

    def __init__(self, title: str, text: str = "", hint: str = "") -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._hint = hint

    def compose(self) -> ComposeResult:
        """Title and hint, the line, keys."""
        with Vertical():
            yield LinkedView("asked", safe_text(self._title))
            yield Input(self._text, id="answer", compact=True)
            yield ActionBar()

    def on_mount(self) -> None:
        """Show what is asked, and write."""
        view = self.query_one(LinkedView)
        view.can_focus = False

        def content(width: int) -> list[Linked]:
            return paragraph(safe_text(self._hint), width, Tone.DIM) if self._hint else []

        view.show(content)
        view.styles.height = 1 + len(content(70))
        self.call_after_refresh(view.rows_changed)  # wrapped for the width that it has by then
        self.query_one(Input).focus()
        self.query_one(ActionBar).show(actions_in(Context.ASKING))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was written."""
        event.stop()
        self.action_keep()

    def action_keep(self) -> None:
        """Take what is written."""
        self.dismiss(self.query_one(Input).value)

    def action_cancel(self) -> None:
        """Leave everything as it was."""
        self.dismiss(None)
