"""The parts of a form: the list of fields, the line that is written, and what there is to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.message import Message
from textual.widgets import Input

from app.draw.spans import Line, Span, Tone, cell
from app.terminal_text import cell_width, clip, safe_text
from app.tui.bars import Bar
from app.tui.line_view import LineView
from protocol.editing.values import EditableField, FieldKind

LONGEST_NAME: Final = 22
CYCLED: Final = (FieldKind.WORD, FieldKind.YES_NO, FieldKind.TOKEN)
"""Kinds whose words the arrows go through."""
_HINTS: Final = {
    FieldKind.NUMBER: "decimal, or hex after 0x; +1 and -1 count from what it is",
    FieldKind.ADDRESS: "host:port; :port keeps the host, :+1 shifts the port",
    FieldKind.ADDRESSES: "addresses with commas between; empty for none",
    FieldKind.BYTES: "hex digits, or random",
}


class FieldView(LineView):
    """The fields: name, value, and a sign where a value was changed or can't be."""

    def __init__(self, fields: Sequence[EditableField]) -> None:
        super().__init__(id="form-fields")
        self.can_focus = False
        self.fields = tuple(fields)
        self.texts: dict[str, str] = {}
        """What was typed, where it differs from what was there."""
        self.faults: dict[str, str] = {}
        """Why a text can't be the value."""
        self.title = "fields"

    @property
    def row_count(self) -> int:
        """Every field."""
        return len(self.fields)

    @property
    def selected(self) -> EditableField:
        """The field that is written."""
        return self.fields[self.cursor]

    def text_of(self, field: EditableField) -> str:
        """Its text as it is now."""
        return self.texts.get(field.name, field.text)

    def draw_row(self, index: int) -> Line:
        """One field."""
        field = self.fields[index]
        name_width = min(LONGEST_NAME, max(cell_width(one.name) for one in self.fields))
        wrong, changed = field.name in self.faults, field.name in self.texts
        sign, tone = ("✗", Tone.BAD) if wrong else ("✎", Tone.GOOD) if changed else (" ", Tone.PLAIN)
        text = safe_text(self.text_of(field)) or "(empty)"
        was = f"   was {safe_text(field.text) or '(empty)'}" if changed else ""
        return (
            Span("▶" if index == self.cursor else " ", Tone.KEY),
            Span(f"{sign} ", tone),
            cell(field.name, name_width, Tone.STRONG if index == self.cursor else Tone.DIM),
            Span(f"  {text}", tone),
            Span(was, Tone.DIM),
        )


class FieldHint(Bar):
    """What the written field may be, or what is wrong with it."""

    def __init__(self) -> None:
        super().__init__(id="form-hint")
        self._line: Line = ()

    def show(self, field: EditableField, fault: str, *, changed: bool) -> None:
        """Speak of a field."""
        if fault:
            self._line = (Span(" ✗ ", Tone.BAD), Span(safe_text(fault), Tone.BAD))
        else:
            words = f"←→ {' · '.join(field.choices)}" if field.choices else _HINTS.get(field.kind, "")
            optional = "none to leave it out" if field.optional else ""
            says = "; ".join(part for part in (safe_text(field.note), words, optional) if part)
            self._line = (Span(" ✓ " if changed else "   ", Tone.GOOD), Span(says, Tone.DIM))
        self.repaint()

    def line(self) -> Line:
        """What there is to say."""
        return self._line


class FieldInput(Input):
    """The value that is written; where there is a choice of words, the arrows go through them."""

    class Turned(Message):
        """The next word is wanted, or the one before."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    cycles = False
    """Whether the field has words to choose from."""

    def action_cursor_left(self, select: bool = False) -> None:
        """The word before, or a character to the left."""
        if self.cycles and not select:
            self.post_message(self.Turned(-1))
        else:
            super().action_cursor_left(select)

    def action_cursor_right(self, select: bool = False) -> None:
        """The next word, or a character to the right."""
        if self.cycles and not select:
            self.post_message(self.Turned(1))
        else:
            super().action_cursor_right(select)


class Remark(Bar):
    """One line of ours above the fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = safe_text(text)

    def line(self) -> Line:
        """The text, cut to the width."""
        return (Span(clip(self._text, self.size.width), Tone.DIM),)
