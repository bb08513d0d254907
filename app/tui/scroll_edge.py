"""The scroll bar of a view of rows, painted only where its thumb moved: in a million rows, that is seldom."""

from __future__ import annotations

from rich.console import RenderableType
from textual.reactive import Reactive
from textual.scrollbar import ScrollBar

from app.tui.kept_lines import keep_lines

EIGHTHS = 8
"""Parts of a cell that the ends of the thumb are drawn to."""


class ScrollEdge(ScrollBar):
    """A vertical scroll bar."""

    position: Reactive[float] = Reactive(0, repaint=False)

    _painted_at: int | None = None
    """Where the thumb was last painted, in parts of a cell."""

    def __init__(self, name: str, thickness: int) -> None:
        super().__init__(vertical=True, name=name, thickness=thickness)
        keep_lines(self)

    def watch_position(self) -> None:
        """Paint the bar if its thumb stands elsewhere."""
        if self._thumb() != self._painted_at:
            self.refresh()

    def render(self) -> RenderableType:
        """The bar."""
        self._painted_at = self._thumb()
        return super().render()

    def _thumb(self) -> int:
        """Where the thumb begins."""
        height, rows, window = self.size.height, self.window_virtual_size, self.window_size
        if not height or window >= rows:
            return 0
        thumb = max(1.0, window * height / rows)
        return int((height - thumb) * self.position / (rows - window) * EIGHTHS)
