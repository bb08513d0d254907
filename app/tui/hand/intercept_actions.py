"""What the keys of the intercept screen do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.draw.held import said_of
from app.intercept_status import HeldMessage, TouchedMessage
from app.tui.hand.intercept_panes import PaneActions
from app.wording import counted
from protocol.editing.fields import with_field
from protocol.editing.values import Draft, EditError

if TYPE_CHECKING:
    from app.tui.hand.intercept_bar import InterceptBar

LONGEST_DELAY = 3600.0
"""Seconds."""


class InterceptActions(PaneActions):
    """The expression, and what becomes of messages."""

    undo: dict[int, list[Draft]]
    """What each held message was before its changes, the latest last."""

    def action_expression(self) -> None:
        """Type what to hold."""
        from app.tui.hand.intercept_bar import InterceptBar
        from capture.filter import parse_filter

        screen = self._page
        if self._works is not None and not self._masked():
            status = screen.status
            screen.query_one(InterceptBar).open(parse_filter("" if status is None else status.expression))
            screen.share_out()

    def on_intercept_bar_closed(self, event: InterceptBar.Closed) -> None:
        """Hold what passes the expression, if one was kept."""
        event.stop()
        screen, works = self._page, self._page.interception
        screen.messages.focus()
        screen.share_out()
        if works is not None and event.wanted is not None:
            text = event.wanted.text.strip()
            said = f"holding what passes: {text}" if text else "no expression: nothing is held"
            screen.do(works.intercept(text, on=bool(text)), said)

    def action_switch(self) -> None:
        """Hold messages, or let them pass."""
        screen, works = self._page, self._works
        status = None if works is None else works.status()  # its own words, also while addresses are hidden
        if works is None or status is None:
            return
        if not status.expression:
            self.action_expression()
            return
        said = "all messages pass; held ones stay held" if status.on else "holding what passes the expression"
        screen.do(works.intercept(status.expression, on=not status.on), said)

    def action_forward(self) -> None:
        """Send the selected message on."""
        held, works = self._held(), self._works
        if held is not None and works is not None:
            edited = ", edited" if held.edited else ""
            self._page.do(works.forward(held.number), f"#{held.number} went on{edited}: {_said(held)}")

    def action_forward_all(self) -> None:
        """Send all on."""
        screen, works = self._page, self._works
        count = len(screen.messages.held)
        if works is not None:
            screen.do(works.forward_all(), f"{counted(count, 'message')} went on" if count else "nothing was held")

    def action_drop(self) -> None:
        """Let the selected message be lost."""
        held, works = self._held(), self._works
        if held is not None and works is not None:
            said = f"#{held.number} is lost: {_said(held)}; u sends it after all"
            self._page.do(works.drop(held.number), said)

    def action_duplicate(self) -> None:
        """Send a copy on."""
        held, works = self._held(), self._works
        if held is not None and works is not None:
            self._page.do(works.duplicate(held.number), f"a copy of #{held.number} went on; it stays held")

    def action_replay(self) -> None:
        """Send once more what went, or did not."""
        screen, works, selected = self._page, self._works, self._page.messages.selected
        if works is None:
            return
        if isinstance(selected, TouchedMessage):
            screen.do(works.replay(selected.key), f"#{selected.number} went once more")
        elif isinstance(selected, HeldMessage):
            screen.say(f"#{selected.number} has not gone yet: a sends it on, D sends a copy", good=False)
        else:
            screen.say("nothing here to send once more", good=False)

    def action_revert(self) -> None:
        """As it came."""
        held, works = self._held(), self._works
        if held is None or works is None or self._masked():
            return
        if not held.edited:
            self._page.say(f"#{held.number} is as it came", good=False)
            return
        to = held.was.to if held.sent else held.was.source
        self.change(held, Draft(held.was.data, to, held.was.ttl), f"#{held.number} is as it came")

    def action_undo(self) -> None:
        """Take the last change back; of what was dropped: send it after all."""
        screen, works, selected = self._page, self._works, self._page.messages.selected
        if works is None:
            return
        if isinstance(selected, TouchedMessage) and selected.now is None:
            screen.do(works.replay(selected.key), f"#{selected.number} went after all")
            return
        before = self._changes(selected.number) if isinstance(selected, HeldMessage) else []
        if not isinstance(selected, HeldMessage) or not before:
            screen.say("nothing to take back", good=False)
            return
        draft = before.pop()
        screen.do(works.edit(selected.number, draft), f"the last change of #{selected.number} is taken back")

    def action_delay(self) -> None:
        """Ask for how long."""
        from app.tui.asking import AskScreen

        held, works = self._held(), self._works
        if held is None or works is None:
            return

        def asked(text: str | None) -> None:
            if text is None or not text.strip():
                return
            seconds = _seconds(text)
            if seconds is None:
                self._page.say(f"{text!r} is no number of seconds from 0 to {LONGEST_DELAY:.0f}", good=False)
                return
            self._page.do(works.delay(held.number, seconds), f"#{held.number} goes on in {seconds:g} s")

        hint = "It is sent on by itself after so many seconds, as it is then. a and X still work meanwhile."
        self._page.app.push_screen(AskScreen(f"delay #{held.number} by how many seconds?", "1", hint), asked)

    def action_elsewhere(self) -> None:
        """Ask for another address."""
        from app.tui.asking import AskScreen

        held = self._held()
        if held is None or self._works is None or self._masked():
            return

        def asked(text: str | None) -> None:
            if text is not None and text.strip():
                self.change_field(held, "destination", text.strip())

        what = "send it to" if held.sent else "let it seem to come from"
        title = f"#{held.number}: {what} which address?"
        hint = "host:port; :port keeps the host, host: the port. It stays held until a sends it on."
        self._page.app.push_screen(AskScreen(title, str(held.draft.to), hint), asked)

    def action_reorder(self, by: int) -> None:
        """Let the selected message go on later or earlier than its neighbour."""
        held, works, messages = self._held(), self._works, self._page.messages
        if held is None or works is None:
            return
        numbers = [one.number for one in messages.held]
        at = numbers.index(held.number)
        to = at + by
        if not 0 <= to < len(numbers):
            self._page.say("it is the last one" if by > 0 else "it is the first one", good=False)
            return
        rest = numbers[:at] + numbers[at + 1 :]
        before = rest[to] if to < len(rest) else None
        self._page.do(works.move(held.number, before), f"#{held.number} is number {to + 1} of {len(numbers)}")

    def change_field(self, held: HeldMessage, name: str, text: str) -> None:
        """Change one field; what is wrong with it is said."""
        try:
            draft = with_field(held.draft, name, text, held.opener)
        except EditError as error:
            self._page.say(f"#{held.number}: {error}", good=False)
            return
        self.change(held, draft, f"#{held.number}: {name} is {text} now")

    def change(self, held: HeldMessage, draft: Draft, said: str) -> None:
        """Let a held message be another one; `u` takes that back."""
        works = self._works
        if works is None:
            return
        if draft == held.draft:
            self._page.say(f"#{held.number} stays as it is")
            return
        self._changes(held.number).append(held.draft)
        self._page.do(works.edit(held.number, draft), said)

    def _held(self) -> HeldMessage | None:
        """The selected message, if it is held; says so if not."""
        selected = self._page.messages.selected
        if isinstance(selected, HeldMessage):
            return selected
        gone = isinstance(selected, TouchedMessage)
        self._page.say("that one is not held any more: r sends it once more" if gone else "nothing is held", good=False)
        return None

    def _masked(self) -> bool:
        """Whether addresses and keys are hidden, so that what is real can't be written; says so."""
        if self._page.masked:
            self._page.say("addresses and keys are hidden: H on the main screen shows them again", good=False)
        return self._page.masked

    def _changes(self, number: int) -> list[Draft]:
        return self.undo.setdefault(number, [])


def _said(held: HeldMessage) -> str:
    return said_of(held.now, held.opener)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text.strip().removesuffix("s"))
    except ValueError:
        return None
    return seconds if 0 <= seconds <= LONGEST_DELAY else None
