"""Fields and bytes of the selected datagram, linked both ways."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.events import Resize
from textual.message import Message

from app.draw.message import FieldRow, MessageView, field_line
from app.draw.spans import Line, Span, Tone, cell
from app.tui.byte_view import ByteView
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.line_view import LineView
from capture.model import Sighting

__all__ = ("ByteView", "FieldTree", "MessagePane")

FLAT: Final = 118
"""Columns from which fields and bytes fit beside each other."""
ROOMY: Final = 150
"""Columns from which there is room beside the fields for sixteen bytes in a row, not only for eight."""


class FieldTree(LineView):
    """The fields of a message; which ones are folded stays so from message to message."""

    BINDINGS = bindings_of(Context.FIELDS)

    class Led(Message):
        """A fact that leads to another datagram was chosen."""

        def __init__(self, sighting: Sighting) -> None:
            super().__init__()
            self.sighting = sighting

    def __init__(self) -> None:
        super().__init__(id="fields")
        self.view: MessageView | None = None
        self._folded: set[tuple[int, str]] = set()
        self._visible: list[int] = []

    @property
    def row_count(self) -> int:
        """Facts of the datagram, then its unfolded fields."""
        return self._fact_count + len(self._visible)

    @property
    def selected(self) -> FieldRow | None:
        """The field under the cursor."""
        at = self.cursor - self._fact_count
        return self.view.rows[self._visible[at]] if self.view is not None and 0 <= at < len(self._visible) else None

    def show(self, view: MessageView | None) -> None:
        """Show a datagram; stay on the field of the same name, if it has one, else begin at the top."""
        name = self.selected.field.name if self.selected is not None and self.selected.depth else None
        self.view = view
        self._unfold_rows()
        self.rows_changed()
        same = None if name is None else next((i for i in range(self.row_count) if self._name_at(i) == name), None)
        self.cursor = self._nearest(self._fact_count, 1) if same is None else same
        if same is None:
            self.scroll_to(y=0, animate=False, force=True)

    def select(self, index: int) -> None:
        """Go to a row of the view, or the nearest visible one before it."""
        before = [at for at, shown in enumerate(self._visible) if shown <= index]
        if before:
            self.cursor = self._fact_count + before[-1]

    def can_stand_on(self, index: int) -> bool:
        """Fields, and facts that lead somewhere."""
        return self._fact_count <= index < self.row_count or self._link_at(index) is not None

    def draw_row(self, index: int) -> Line:
        """A fact or a field."""
        if self.view is None:
            return ()
        if index < self._fact_count:
            if index < len(self.view.facts):
                fact = self.view.facts[index]
                here = "▶" if index == self.cursor else " "
                tone = Tone.LINK if fact.link is not None else fact.tone
                return (Span(here, Tone.KEY), cell(fact.label, 6, Tone.DIM), Span(fact.text, tone))
            return (Span(" opaque: ", Tone.WARN), Span(self.view.sealed_reason, Tone.WARN))
        row = self.view.rows[self._visible[index - self._fact_count]]
        sign = Span("▶ " if index == self.cursor else "  ", Tone.KEY)
        return (sign, *field_line(row, open_=self._key(row) not in self._folded, cut=self.view.cut))

    def action_choose(self) -> None:
        """Fold or unfold the field, or go where the fact leads."""
        link = self._link_at(self.cursor)
        if link is not None:
            self.post_message(self.Led(link))
        self._fold(None)

    def action_fold(self) -> None:
        """Fold the field, or go to the one around it."""
        row = self.selected
        if row is None or self.view is None:
            return
        if row.field.children and self._key(row) not in self._folded:
            self._fold(True)
            return
        at = self._visible[self.cursor - self._fact_count]
        around = [i for i in range(at) if self.view.rows[i].depth < row.depth and self.view.rows[i].part == row.part]
        if around:
            self.select(around[-1])

    def action_unfold(self) -> None:
        """Unfold the field."""
        self._fold(False)

    def _link_at(self, index: int) -> Sighting | None:
        facts = () if self.view is None else self.view.facts
        return facts[index].link if 0 <= index < len(facts) else None

    @property
    def _fact_count(self) -> int:
        return 0 if self.view is None else len(self.view.facts) + bool(self.view.sealed_reason)

    def _name_at(self, index: int) -> str | None:
        at = index - self._fact_count
        return self.view.rows[self._visible[at]].field.name if self.view is not None and at >= 0 else None

    def _fold(self, folded: bool | None) -> None:
        row = self.selected
        if row is None or not row.field.children:
            return
        now = self._key(row) in self._folded
        if (not now if folded is None else folded) != now:
            self._folded ^= {self._key(row)}
        self._unfold_rows()
        self.rows_changed()

    def _key(self, row: FieldRow) -> tuple[int, str]:
        return row.depth, row.field.name

    def _unfold_rows(self) -> None:
        """Which rows are not inside a folded one."""
        self._visible = []
        hidden_below: int | None = None
        for index, row in enumerate(self.view.rows if self.view is not None else ()):
            if hidden_below is not None and row.depth > hidden_below:
                continue
            hidden_below = row.depth if row.field.children and self._key(row) in self._folded else None
            self._visible.append(index)


class MessagePane(Vertical):
    """Fields above, bytes below; beside each other where there is more width than height.

    The scroll bars are always there: where they come and go with each message, the whole screen is arranged anew.
    """

    DEFAULT_CSS = """
    MessagePane FieldTree { height: 1fr; width: 1fr; overflow-y: scroll; }
    MessagePane ByteView { height: 40%; min-height: 4; width: 1fr; overflow-y: scroll; }
    MessagePane.flat { layout: horizontal; }
    MessagePane.flat ByteView { height: 1fr; width: 43; }
    MessagePane.roomy ByteView { width: 76; }
    """

    def compose(self) -> ComposeResult:
        """Two views."""
        yield FieldTree()
        yield ByteView()

    def show(self, view: MessageView | None, nothing: str = "") -> None:
        """Show a datagram, or say in the title why there is none."""
        self.query_one(FieldTree).title = nothing if view is None else view.title
        self.query_one(ByteView).show(view)
        self.query_one(FieldTree).show(view)
        self._light()

    def on_resize(self, event: Resize) -> None:
        """Lay the two out for the shape that there is."""
        self.set_class(event.size.width >= FLAT, "flat")
        self.set_class(event.size.width >= ROOMY, "roomy")

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """A double click is as good as the key."""
        event.stop()
        if isinstance(event.view, FieldTree):
            event.view.action_choose()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """Light the bytes of the selected field."""
        event.stop()
        if isinstance(event.view, FieldTree):
            self._light()

    def on_byte_view_stepped(self, event: ByteView.Stepped) -> None:
        """Select the field that a byte belongs to."""
        event.stop()
        tree = self.query_one(FieldTree)
        index = None if tree.view is None else tree.view.field_at(event.part, event.offset)
        if index is not None:
            tree.select(index)

    def _light(self) -> None:
        tree = self.query_one(FieldTree)
        row = tree.selected
        if row is not None and tree.view is not None:
            start = row.field.start
            whole = ((row.part, start, start),)
            self.query_one(ByteView).light(*(tree.view.ranges(row) if row.depth else whole))
