"""The bytes of a message alone, in forms to take elsewhere."""

from __future__ import annotations

from app.draw.linked import Linked
from app.draw.message import DATAGRAM, MessageView
from app.draw.message_text import message_text
from app.draw.raw import Form, raw_lines, raw_text
from app.draw.spans import Span
from app.terminal_text import safe_text
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.linked_view import LinkedView
from app.tui.pages import PageScreen
from app.tui.texts import Text
from app.wording import counted

FORMS = tuple(Form)
_BINDINGS = [*bindings_of(Context.RAW), *bindings_of(Context.EVERYWHERE, namespace="app.")]


class RawScreen(PageScreen, inherit_bindings=False):
    """One part of a message in one form; keys turn to the others."""

    BINDINGS = _BINDINGS
    OFFERS = (Context.RAW, Context.EVERYWHERE)

    def __init__(self, view: MessageView) -> None:
        super().__init__(view.title, self._lines)
        self._message = view
        self.form = Form.DUMP
        self.part = DATAGRAM

    def on_mount(self) -> None:
        """Say what is shown."""
        super().on_mount()
        self._say()

    @property
    def shown(self) -> bytes:
        """The bytes."""
        return self._message.parts[self.part]

    def action_turn(self, by: int) -> None:
        """Another form."""
        self.action_pick(str((FORMS.index(self.form) + by) % len(FORMS) + 1))

    def action_pick(self, number: str | int) -> None:
        """The form of a number."""
        self.form = FORMS[int(number) - 1]
        self._show()

    def action_part(self) -> None:
        """The other part of the message."""
        if len(self._message.parts) < 2:
            self.notify(self._message.sealed_reason or "Nothing in this message was sealed.", markup=False)
            return
        self.part = (self.part + 1) % len(self._message.parts)
        self._show()

    def action_copy(self) -> None:
        """Copy what is shown."""
        self.app.copy_to_clipboard(raw_text(self.shown, self.form))
        said = f"{self.form.value} of {counted(len(self.shown), 'byte')}"
        self.notify(f"Copied to the clipboard, if this terminal allows it: {said}.", timeout=3, markup=False)

    def text_here(self) -> Text:
        """The message, for another program."""
        return Text(self._message.title, message_text(self._message))

    def _show(self) -> None:
        self.query_one(LinkedView).show(self._lines)
        self._say()

    def _say(self) -> None:
        what = "datagram" if self.part == DATAGRAM else "plaintext"
        number = FORMS.index(self.form) + 1
        self.query_one(
            LinkedView
        ).title = f"{self._message.title} · {what}, {counted(len(self.shown), 'byte')} · {number} {self.form.value}"

    def _lines(self, width: int) -> list[Linked]:
        return [Linked((Span(safe_text(line)),)) for line in raw_lines(self.shown, self.form, width)]
