"""The text of what is shown, for another program: a message, the report of an attempt, the lines of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from app.draw.spans import text_of
from app.tui.line_view import LineView

if TYPE_CHECKING:
    from textual.screen import Screen


class Text(NamedTuple):
    """A text and what it is."""

    name: str
    text: str


def text_on(screen: Screen[Any]) -> Text | None:
    """What the screen offers: `text_here`, then `report_here`; else the lines of the view that has the keyboard."""
    for name in ("text_here", "report_here"):
        own = getattr(screen, name, None)
        found: Text | None = own() if callable(own) else None
        if found is not None:
            return found
    view = screen.focused
    if not isinstance(view, LineView) or not view.row_count:
        return None
    lines = [*view.draw_head(), *(view.draw_row(index) for index in range(view.row_count))]
    return Text(view.title or "peephole", "".join(f"{text_of(line)}\n" for line in lines))
