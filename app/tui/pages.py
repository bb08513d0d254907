"""Pages over the main screen: what all of them share, help, and short lists to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from app.draw.linked import page_text
from app.draw.spans import Line, Span, Tone
from app.tui.bars import ActionBar
from app.tui.clipboard import copied
from app.tui.find import FindActions
from app.tui.find_bar import FindBar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.line_view import LineView
from app.tui.linked_view import Content, LinkedView
from app.tui.texts import Text
from capture.model import Sighting

PAGE_BINDINGS = [*bindings_of(Context.PAGE, Context.FIND), *bindings_of(Context.EVERYWHERE, namespace="app.")]
"""Keys of every page."""
TEXT_WIDTH: Final = 110
"""Cells of a page that leaves the inspector, whatever the screen has."""


class PageScreen(FindActions, ModalScreen[Sighting | None], inherit_bindings=False):
    """A page of lines; closes with the packet that the user wants to go to, or None."""

    OFFERS: ClassVar[tuple[Context, ...]] = (Context.PAGE, Context.EVERYWHERE)
    """Where the footer's keys come from."""

    BINDINGS = PAGE_BINDINGS

    DEFAULT_CSS = """
    PageScreen { align: center middle; background: $background; }
    PageScreen > Vertical { width: 100%; height: 100%; max-width: 132; background: $background; }
    PageScreen LinkedView { height: 1fr; }
    """

    def __init__(self, title: str, content: Content) -> None:
        super().__init__()
        self._title = title
        self._content = content

    def compose(self) -> ComposeResult:
        """Title, lines, keys."""
        with Vertical():
            yield LinkedView("page", self._title)
            yield FindBar()
            yield ActionBar()

    def on_mount(self) -> None:
        """Show the lines."""
        self.query_one(LinkedView).show(self._content)
        self.query_one(LinkedView).focus()
        self.offer()

    def offer(self) -> None:
        """Say in the footer what can be done here."""
        links = actions_in(Context.LINKS) if self.query_one(LinkedView).leads_somewhere else ()
        self.query_one(ActionBar).show([*links, *actions_in(*self.OFFERS)])

    def text_here(self) -> Text | None:
        """The page for other programs: its title and all lines, seen or not."""
        return Text(self._title, page_text(self._title, self._content(TEXT_WIDTH)))

    def action_copy(self) -> None:
        """Copy the page to the clipboard."""
        text = self.text_here()
        if text is not None:
            self.app.copy_to_clipboard(text.text)
            self.notify(copied("page"), markup=False, timeout=4)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Go to the packet of the line under the cursor."""
        event.stop()
        link = self.query_one(LinkedView).link
        if link is not None:
            self.dismiss(link)

    def action_close(self) -> None:
        """Back to the main screen."""
        self.dismiss(None)


class HelpScreen(PageScreen, inherit_bindings=False):
    """The help: nothing to turn to, and no further help."""

    BINDINGS = PAGE_BINDINGS
    OFFERS = (Context.PAGE,)


class ChoiceView(LineView):
    """A few lines, one of which is taken."""

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        super().__init__(id="choices")
        self._lines = lines
        self.title = title

    @property
    def row_count(self) -> int:
        """The choices."""
        return len(self._lines)

    def draw_row(self, index: int) -> Line:
        """A choice, with a sign where the cursor is."""
        return (Span("▶ " if index == self.cursor else "  ", Tone.KEY), *self._lines[index])


class ChoiceScreen(ModalScreen[int | None], inherit_bindings=False):
    """A short list to choose from; closes with the index of the choice, or None."""

    BINDINGS: ClassVar = [*bindings_of(Context.CHOICE), *bindings_of(Context.EVERYWHERE, namespace="app.")]

    DEFAULT_CSS = """
    ChoiceScreen { align: center middle; }
    ChoiceScreen > Vertical { width: 76; max-width: 100%; height: auto; background: $background;
        border: round $border; padding: 0 1; }
    """

    def __init__(self, title: str, lines: Sequence[Line]) -> None:
        super().__init__()
        self._view = ChoiceView(title, lines)

    def compose(self) -> ComposeResult:
        """Title, choices, keys."""
        with Vertical():
            yield self._view
            yield ActionBar()

    def on_mount(self) -> None:
        """Show the choices."""
        self._view.styles.height = self._view.row_count + 1
        self._view.rows_changed()
        self._view.focus()
        self.query_one(ActionBar).show(actions_in(Context.CHOICE))

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """A double click."""
        event.stop()
        self.action_choose()

    def action_choose(self) -> None:
        """Take the choice under the cursor."""
        self.dismiss(self._view.cursor)

    def action_close(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
