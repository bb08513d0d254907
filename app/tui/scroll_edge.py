"""The scroll bar of a view of rows, painted only where it looks otherwise: in a million rows, that is seldom."""

from __future__ import annotations

from typing import Any, Final, Self

from rich.console import RenderableType
from textual.geometry import Region
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from app.tui.kept_lines import keep_lines

EIGHTHS: Final = 8
"""Parts of a cell that the ends of the thumb are drawn to."""


class ScrollEdge(ScrollBar):
    """A vertical scroll bar."""

    _painted: tuple[Any, ...] | None = None
    """What it was last painted as."""

    def __init__(self, name: str, thickness: int) -> None:
        super().__init__(vertical=True, name=name, thickness=thickness)
        keep_lines(self)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Paint the bar, if it would look otherwise."""
        if layout or recompose or self._painted is None or self._painted != self._look():
            return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self

    def render(self) -> RenderableType:
        """The bar."""
        self._painted = self._look()
        return super().render()

    def _look(self) -> tuple[Any, ...]:
        """All that its look depends on."""
        height, rows, window = self.outer_size.height, self.window_virtual_size, self.window_size
        begin = end = 0
        if height and window < rows:
            thumb = max(1.0, window * height / rows)
            begin = int((height - thumb) * self.position / (rows - window) * EIGHTHS)
            end = begin + int(thumb * EIGHTHS)
        styles = self.parent.styles if isinstance(self.parent, Widget) else self.styles
        colours = styles.scrollbar_background, styles.scrollbar_color
        return height, begin, end, bool(self.grabbed), self.mouse_over, self.app.theme, colours
