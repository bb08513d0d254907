"""The line about the running node, below the status line."""

from __future__ import annotations

from typing import Final

from textual.message import Message

from app.draw.node import node_line
from app.draw.spans import Line
from app.node_status import NodeStatus, RunningNode
from app.tui.bars import Bar

TICK: Final = 0.2
"""Seconds between two looks at the node: countdowns are in tenths."""


class NodeLine(Bar):
    """Looks at the node now and then, shows how it is, and tells the screen; hidden while there is nothing to say."""

    class Looked(Message):
        """There is a new status."""

        def __init__(self, status: NodeStatus) -> None:
            super().__init__()
            self.status = status

    def __init__(self, node: RunningNode | None) -> None:
        super().__init__(id="node")
        self.display = False
        self._node = node
        self._status: NodeStatus | None = None

    def on_mount(self) -> None:
        """Begin to look."""
        if self._node is not None:
            self.look()
            self.set_interval(TICK, self.look)

    def look(self) -> None:
        """Take the status as it is now."""
        status = None if self._node is None else self._node.status()
        if status is not None:
            self._status = status
            self.display = True
            self.repaint()
            self.post_message(self.Looked(status))

    def line(self) -> Line:
        """The state of the node."""
        return () if self._status is None else node_line(self._status, self.size.width)
