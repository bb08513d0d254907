"""What stands on screen while the node takes leave of the network."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from app.draw.spans import Line, Span, Tone
from app.tui.bars import ActionBar, Bar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of


class Saying(Bar):
    """One line of ours."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def line(self) -> Line:
        """The text."""
        return (Span(self._text, Tone.STRONG),)


class LeavingScreen(ModalScreen[None], inherit_bindings=False):
    """Waits; another q leaves at once."""

    BINDINGS: ClassVar = [*bindings_of(Context.LEAVING), *bindings_of(Context.EVERYWHERE, namespace="app.")]

    DEFAULT_CSS = """
    LeavingScreen { align: center middle; }
    LeavingScreen > Vertical { width: 60; max-width: 100%; height: auto; background: $background;
        border: round $border; padding: 0 1; }
    """

    def __init__(self, saying: str, leave: Callable[[], None]) -> None:
        super().__init__()
        self._saying = saying
        self._leave = leave

    def compose(self) -> ComposeResult:
        """What is waited for, and the way out."""
        with Vertical():
            yield Saying(f"{self._saying}…")
            yield ActionBar()

    def on_mount(self) -> None:
        """Offer the way out."""
        self.query_one(ActionBar).show(actions_in(Context.LEAVING))

    def action_force(self) -> None:
        """Leave without waiting."""
        self._leave()
