"""What the inspector says of the demo: a line below the status line, and a page that moves while it is shown."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from app.demo_status import DemoStatus, RunningDemo
from app.draw.demo import demo_line, demo_page
from app.draw.spans import Line
from app.tui.bars import ActionBar, Bar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.linked_view import LinkedView

TICK: Final = 0.5
"""Seconds between two looks."""


class DemoLine(Bar):
    """What is played now; hidden where there is no demo."""

    def __init__(self, demo: RunningDemo | None) -> None:
        super().__init__(id="demo")
        self.display = demo is not None
        self._demo = demo
        self._status: DemoStatus | None = None

    def on_mount(self) -> None:
        """Begin to look."""
        if self._demo is not None:
            self.look()
            self.set_interval(TICK, self.look)

    def look(self) -> None:
        """Take the status as it is now."""
        self._status = None if self._demo is None else self._demo.status()
        self.repaint()

    def line(self) -> Line:
        """What is played."""
        return () if self._status is None else demo_line(self._status, self.size.width)


class DemoScreen(ModalScreen[None], inherit_bindings=False):
    """What this is, what is where, what was staged and what came of it."""

    BINDINGS: ClassVar = [*bindings_of(Context.DEMO_PAGE), *bindings_of(Context.EVERYWHERE, namespace="app.")]

    DEFAULT_CSS = """
    DemoScreen { align: center middle; }
    DemoScreen > Vertical { width: 100%; height: 100%; max-width: 132; background: $background; }
    DemoScreen LinkedView { height: 1fr; }
    """

    def __init__(self, demo: RunningDemo) -> None:
        super().__init__()
        self._demo = demo

    def compose(self) -> ComposeResult:
        """Lines, keys."""
        with Vertical():
            yield LinkedView("demo-page", "demo")
            yield ActionBar()

    def on_mount(self) -> None:
        """Show it and keep it up to date."""
        self.query_one(LinkedView).focus()
        self.query_one(ActionBar).show(actions_in(Context.DEMO_PAGE, Context.EVERYWHERE))
        self._look()
        self.set_interval(TICK, self._look)

    def action_close(self) -> None:
        """Back to the main screen."""
        self.dismiss(None)

    def _look(self) -> None:
        status = self._demo.status()
        if status is not None:
            self.query_one(LinkedView).show(lambda width: demo_page(status, width), keep=True)
