"""Pages about the running node: its address, routing table, relays, refusals and timers. They move while shown."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from app.draw.node import PAGES, tabs_line
from app.draw.spans import Line
from app.node_status import NodeStatus, RunningNode
from app.tui.bars import ActionBar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.linked_view import LinkedView
from app.tui.node_line import TICK
from app.tui.tab_bar import TabBar


class Tabs(TabBar):
    """The titles of the pages."""

    TURNS = "node_page"

    def __init__(self) -> None:
        super().__init__(id="tabs")
        self.chosen = 0

    def line(self) -> Line:
        """Titles and keys."""
        return tabs_line(self.chosen, self.size.width)


class NodeScreen(ModalScreen[None], inherit_bindings=False):
    """The pages, one at a time."""

    BINDINGS: ClassVar = [*bindings_of(Context.NODE), *bindings_of(Context.EVERYWHERE, namespace="app.")]

    DEFAULT_CSS = """
    NodeScreen { align: center middle; }
    NodeScreen > Vertical { width: 100%; height: 100%; max-width: 132; background: $background; }
    NodeScreen LinkedView { height: 1fr; }
    """

    def __init__(self, node: RunningNode) -> None:
        super().__init__()
        self._node = node
        self._chosen = 0
        self._status: NodeStatus | None = None

    def compose(self) -> ComposeResult:
        """Titles, lines, keys."""
        with Vertical():
            yield Tabs()
            yield LinkedView("node-page", "node")
            yield ActionBar()

    def on_mount(self) -> None:
        """Show the first page and keep it up to date."""
        self.query_one(LinkedView).focus()
        self.query_one(ActionBar).show(actions_in(Context.NODE, Context.EVERYWHERE))
        self.action_node_page(1)
        self.set_interval(TICK, self._look)

    def action_node_page(self, number: int) -> None:
        """Turn to a page; the first is 1."""
        self._chosen = number - 1
        tabs, view = self.query_one(Tabs), self.query_one(LinkedView)
        tabs.chosen = self._chosen
        tabs.refresh()
        view.title = PAGES[self._chosen][0]
        view.show(None)
        self._look()

    def action_turn(self, by: int) -> None:
        """To the next or the previous page, round and round."""
        self.action_node_page((self._chosen + by) % len(PAGES) + 1)

    def action_close(self) -> None:
        """Back to the main screen."""
        self.dismiss(None)

    def _look(self) -> None:
        """Show the node as it is now, from the same place of the page; what has ended stays as it was last."""
        status = self._node.status() or self._status
        if status is None:
            return
        self._status = status
        draw = PAGES[self._chosen][1]
        self.query_one(LinkedView).show(lambda width: draw(status, width), keep=True)
