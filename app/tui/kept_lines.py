"""Lines of a widget that stand until the widget asks to be painted anew.

For every frame Textual asks each widget within the rectangle around all that changed for its lines, and puts styles,
borders and filters around lines that it had already, which costs more than to draw what did change. What is kept here
is given again as it was, and lines of a widget without border, padding or shade are taken as they come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual._styles_cache import StylesCache
from textual.strip import Strip
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.color import Color
    from textual.css.styles import StylesBase
    from textual.filter import LineFilter
    from textual.geometry import Region, Size

AnyWidget = TypeVar("AnyWidget", bound=Widget)


class KeptLines(StylesCache):
    """What Textual keeps of a widget's lines, and the lines as they were last given."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: tuple[Region, Size, list[LineFilter]] | None = None
        self._given: list[Strip] = []
        self._plain = False
        """Whether nothing is put around the widget's own lines."""

    def clear(self) -> None:
        """Nothing is known any more."""
        super().clear()
        self._asked = None

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        """The lines of a part of the widget."""
        asked = (crop, widget.region.size, list(widget.get_line_filters()))
        if self._dirty_lines or self._asked != asked:
            self._plain = _is_plain(widget)
            self._given = super().render_widget(widget, crop)
            self._asked = asked
        return self._given

    def render_line(
        self,
        styles: StylesBase,
        y: int,
        size: Size,
        content_size: Size,
        padding: Any,
        base_background: Color,
        background: Color,
        render_content_line: Callable[[int], Strip],
        *rest: Any,
    ) -> Strip:
        """One line."""
        if self._plain and y < content_size.height:
            inner, _ = self.get_inner_outer(base_background, background)
            return render_content_line(y).adjust_cell_length(size.width, inner.rich_style)
        return super().render_line(
            styles, y, size, content_size, padding, base_background, background, render_content_line, *rest
        )


def keep_lines(widget: AnyWidget) -> AnyWidget:
    """Let a widget keep its lines; gives the widget."""
    widget._styles_cache = KeptLines()
    return widget


def _is_plain(widget: Widget) -> bool:
    styles = widget.styles
    return not (
        styles.gutter
        or styles.tint.a
        or styles.has_rule("hatch")
        or any(edge for edge, _ in styles.outline)
        or widget.opacity != 1
        or styles.text_opacity != 1
    )
