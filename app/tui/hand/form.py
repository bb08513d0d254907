"""A form for the fields of a message that is about to go: one line for each, judged while one types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from app.terminal_text import clip
from app.tui.bars import ActionBar
from app.tui.hand.form_parts import CYCLED, FieldHint, FieldInput, FieldView, Remark
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.line_view import LineView
from protocol.editing.values import EditableField, EditError

M = TypeVar("M")

Fields = Callable[[M], Sequence[EditableField]]
"""Gives the fields of a message, as `protocol.editing.fields.fields_of` does."""
Change = Callable[[M, Mapping[str, str]], M]
"""Gives the message with some fields changed, as `protocol.editing.fields.with_fields` does; raises `EditError`."""


class FieldForm(Vertical, Generic[M], inherit_bindings=False):
    """The fields of a message, each of which can be written anew.

    Args:
        message: what is changed.
        fields: gives its fields.
        change: changes some of them.
        begin: the field that is written first; the first one if empty.
    """

    BINDINGS: ClassVar = bindings_of(Context.FORM)

    DEFAULT_CSS = """
    FieldForm { height: 1fr; }
    FieldForm FieldView { height: 1fr; }
    FieldForm Input { width: 100%; height: 1; border: none; padding: 0 1; background: $panel; }
    FieldForm Input:focus { border: none; background-tint: transparent; }
    FieldForm.good Input { color: $success; }
    FieldForm.bad Input { color: $error; }
    """

    class Done(Message):
        """The user has finished: `message` is the changed message, None where all is to stay as it was."""

        def __init__(self, message: object | None) -> None:
            super().__init__()
            self.message = message

    def __init__(self, message: M, fields: Fields[M], change: Change[M], begin: str = "") -> None:
        super().__init__(id="form")
        self._message = message
        self._change = change
        self._view = FieldView(fields(message))
        self._begin = begin
        self._setting = ""
        """What was put into the input by the form itself."""

    @property
    def view(self) -> FieldView:
        """The list of fields."""
        return self._view

    @property
    def lines(self) -> int:
        """Screen lines that show everything."""
        return self._view.row_count + 3

    def compose(self) -> ComposeResult:
        """The fields; the value of one; what to say of it."""
        yield self._view
        yield FieldInput(id="form-value", compact=True, select_on_focus=False)
        yield FieldHint()

    def on_mount(self) -> None:
        """Begin with the first field."""
        self._view.rows_changed()
        names = [field.name for field in self._view.fields]
        self._view.cursor = names.index(self._begin) if self._begin in names else 0
        self.query_one(FieldInput).focus()
        self._show_field()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Judge what is written."""
        event.stop()
        if event.value != self._setting:
            self._setting = event.value
            self._write(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """On to the next field; after the last, done."""
        event.stop()
        if self._view.cursor == self._view.row_count - 1:
            self.action_apply()
        else:
            self.action_field(1)

    def on_field_input_turned(self, event: FieldInput.Turned) -> None:
        """Another word."""
        event.stop()
        field = self._view.selected
        words = (*field.choices, *(("none",) if field.optional else ()))
        now = self._view.text_of(field)
        at = words.index(now) + event.by if now in words else (0 if event.by > 0 else -1)
        self._put(words[at % len(words)])
        self._write(words[at % len(words)])

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """Another field is written."""
        event.stop()
        self._show_field()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """A double click means no more than a click."""
        event.stop()

    def action_field(self, by: int) -> None:
        """To another field, round and round."""
        self._view.cursor = (self._view.cursor + by) % self._view.row_count
        self._show_field()  # at once: the next key may be for this field

    def action_page(self, pages: int) -> None:
        """Some fields further."""
        self._view.action_page(pages)

    def action_undo(self) -> None:
        """The field as it was."""
        text = self._view.selected.text
        self._put(text)
        self._write(text)

    def action_apply(self) -> None:
        """Take the changes, unless one of them can't be."""
        faults = self._view.faults
        if faults:
            wrong = next(index for index, field in enumerate(self._view.fields) if field.name in faults)
            self._view.cursor = wrong
            self._show_field()
            self.app.bell()
            return
        try:
            changed = self._change(self._message, self._view.texts)
        except EditError as error:
            self._blame(error)
            return
        self.post_message(self.Done(changed))

    def action_cancel(self) -> None:
        """Leave everything as it was."""
        self.post_message(self.Done(None))

    def _write(self, text: str) -> None:
        """Take a text as the value of the field under the cursor, and judge all that was written."""
        field, view = self._view.selected, self._view
        view.texts.pop(field.name, None)
        if text != field.text:
            view.texts[field.name] = text
        view.faults.clear()
        for name, written in view.texts.items():
            try:
                self._change(self._message, {name: written})
            except EditError as error:
                view.faults[name] = error.reason
        view.repaint()
        self._judge()

    def _blame(self, error: EditError) -> None:
        """Together the changes can't be: say why at the field."""
        view = self._view
        view.faults[error.field] = error.reason
        at = (index for index, field in enumerate(view.fields) if field.name == error.field)
        view.cursor = next(at, view.cursor)
        view.repaint()
        self._judge(error.reason)

    def _show_field(self) -> None:
        field = self._view.selected
        self.query_one(FieldInput).cycles = bool(field.choices) and field.kind in CYCLED
        self._put(self._view.text_of(field))
        self._judge()

    def _put(self, text: str) -> None:
        entry = self.query_one(FieldInput)
        self._setting = text
        entry.value = text
        entry.cursor_position = len(text)

    def _judge(self, reason: str = "") -> None:
        field, view = self._view.selected, self._view
        fault = view.faults.get(field.name, reason)
        changed = field.name in view.texts
        self.set_class(bool(fault), "bad")
        self.set_class(changed and not fault, "good")
        self.query_one(FieldHint).show(field, fault, changed=changed)


class FormScreen(ModalScreen[M | None], inherit_bindings=False):
    """A form over the screen; closes with the changed message, or None.

    Args:
        title: what is changed; made safe here.
        message: what is changed.
        fields: gives its fields.
        change: changes some of them.
        remarks: lines above the fields; made safe here.
        begin: the field that is written first; the first one if empty.
    """

    BINDINGS: ClassVar = [*bindings_of(Context.EVERYWHERE, namespace="app.")]

    DEFAULT_CSS = """
    FormScreen { align: center middle; }
    FormScreen > Vertical { width: 100; max-width: 100%; height: auto; max-height: 100%; background: $background;
        border: round $border; padding: 0 1; }
    """

    def __init__(
        self,
        title: str,
        message: M,
        fields: Fields[M],
        change: Change[M],
        remarks: Iterable[str] = (),
        begin: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self._remarks = tuple(remarks)
        self._form = FieldForm(message, fields, change, begin)

    def compose(self) -> ComposeResult:
        """Remarks, the form, keys."""
        with Vertical():
            for remark in self._remarks:
                yield Remark(remark)
            yield self._form
            yield ActionBar()

    def on_mount(self) -> None:
        """Say what is changed."""
        self._form.view.title = clip(self._title, 90)
        self.query_one(ActionBar).show(actions_in(Context.FORM))
        self.on_resize()

    def on_resize(self) -> None:
        """As high as there is room for."""
        room = self.app.size.height - 4 - len(self._remarks)
        self._form.styles.height = max(5, min(self._form.lines, room))

    def on_field_form_done(self, event: FieldForm.Done) -> None:
        """Close with what came of it."""
        event.stop()
        self.dismiss(event.message)  # type: ignore[arg-type]  # the form's own message, changed
