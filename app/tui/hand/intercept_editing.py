"""Changing a held message: its fields in a form or in an editor, or its bytes as hex."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.draw.held import said_of
from app.draw.spans import Span
from app.tui.hand.intercept_actions import InterceptActions
from app.tui.hand.intercept_text import changes_in, message_text
from protocol.editing.fields import fields_of, with_fields
from protocol.editing.values import Draft, EditError

if TYPE_CHECKING:
    from app.intercept_status import HeldMessage
    from app.tui.app import PeepholeApp


class EditingActions(InterceptActions):
    """e, b and E."""

    def action_edit(self) -> None:
        """Change fields in a form."""
        from app.tui.hand.form import FormScreen

        held = self._editable()
        if held is None:
            return
        opener = held.opener

        def edited(draft: Draft | None) -> None:
            if draft is not None:
                self.change(held, draft, f"#{held.number} is edited; a sends it on, V makes it what it was")

        form = FormScreen(
            f"#{held.number} {said_of(held.now, opener)}",
            held.draft,
            lambda draft: fields_of(draft, opener),
            lambda draft, changes: with_fields(draft, changes, opener),
        )
        self._page.app.push_screen(form, edited)

    def action_edit_bytes(self) -> None:
        """Change bytes."""
        from app.tui.hand.intercept_bytes import BytesScreen

        held = self._editable()
        if held is None:
            return

        def edited(data: bytes | None) -> None:
            if data is not None:
                self.change(held, held.draft._replace(data=data), f"#{held.number} has other bytes now")

        self._page.app.push_screen(BytesScreen(held), edited)

    async def action_edit_outside(self) -> None:
        """Change fields as text in the user's editor."""
        held = self._editable()
        if held is not None:
            await self._edit_outside(held, "", "")

    async def _edit_outside(self, held: HeldMessage, text: str, trouble: str) -> None:
        from app.tui.outside import NoProgramError, edit_outside, editor

        app = cast("PeepholeApp", self._page.app)
        fields = fields_of(held.draft, held.opener)
        title = f"#{held.number} {said_of(held.now, held.opener)}"
        text = f"# ✗ {trouble}\n{text}" if trouble else message_text(title, fields)
        try:
            text = await edit_outside(app, editor(app.config.editor), f"message-{held.number}", text)
        except NoProgramError as error:
            self._page.say(str(error), good=False)
            return
        try:
            draft = with_fields(held.draft, changes_in(text, fields), held.opener)
        except EditError as error:
            self._mend(held, text, str(error))
            return
        self.change(held, draft, f"#{held.number} is edited; a sends it on, V makes it what it was")

    def _mend(self, held: HeldMessage, text: str, trouble: str) -> None:
        """Let the user mend what is wrong, or give up."""
        from app.terminal_text import safe_text
        from app.tui.pages import ChoiceScreen

        def chosen(index: int | None) -> None:
            if index == 0:
                self._page.run_worker(self._edit_outside(held, text, trouble), group="editor")
            else:
                self._page.say(f"#{held.number} stays as it was: {trouble}", good=False)

        choices = ((Span("edit again"),), (Span("leave the message as it was"),))
        self._page.app.push_screen(ChoiceScreen(safe_text(trouble), choices), chosen)

    def _editable(self) -> HeldMessage | None:
        """The selected message, if it can be changed; says why not."""
        held = self._held()
        return None if held is None or self._works is None or self._masked() else held
