"""What the keys of the desk do to the selected step."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.draw.desk import TITLES
from app.draw.spans import Span, Tone, cell
from app.hand.desk import Order
from app.hand.desk_rows import DeskRow, RowKind
from protocol.editing.fields import fields_of, with_fields
from protocol.editing.values import EditError
from protocol.peer.choices import Choice, Way, choices_for
from protocol.peer.desk import Desk, DoneStep, HeldStep
from protocol.peer.steps import Act, Step

if TYPE_CHECKING:
    from app.tui.hand.desk_screen import DeskScreen

LONGEST_DELAY = 3600.0
_NAME_WIDTH = 18


class DeskActions:
    """Sends, changes, loses, skips, puts off, delays and repeats."""

    @property
    def _desk(self) -> DeskScreen:
        return cast("DeskScreen", self)

    def action_send(self) -> None:
        """Let the selected step go; what went already is not sent again by this key."""
        held = self._held()
        if held is not None:
            number = held.number
            self._do(lambda desk, now: desk.send(number, now))

    def action_begin(self) -> None:
        """Another attempt, beside what is under way."""
        if self._desk.control.begin_again():
            self._desk.steps.await_new()
            self._desk.look_soon()
        else:
            self._desk.say("A server can't begin an attempt: it waits for clients.")

    def action_send_all(self) -> None:
        """Let everything go that waits now."""
        self._do(lambda desk, now: desk.let_all_go(now))

    def action_lose(self) -> None:
        """Let it be lost."""
        held = self._held()
        if held is not None:
            number = held.number
            self._do(lambda desk, now: desk.leave_out(number, now))

    def action_skip(self) -> None:
        """Go on without it."""
        held = self._held()
        if held is not None:
            number = held.number
            self._do(lambda desk, now: desk.skip(number, now))

    def action_later(self) -> None:
        """Let the next step come first."""
        held = self._held()
        if held is not None:
            number = held.number
            self._do(lambda desk, now: desk.put_off(number, now))

    def action_revert(self) -> None:
        """Take changes back."""
        held = self._held()
        if held is not None:
            number = held.number
            self._do(lambda desk, _: desk.revert(number))

    def action_repeat(self) -> None:
        """Once more."""
        done = self._done()
        if done is not None:
            number = done.number
            self._do(lambda desk, now: desk.repeat(number, now))

    def action_delay(self) -> None:
        """Let it go after some seconds."""
        from app.tui.asking import AskScreen

        held = self._held()
        if held is None:
            return
        number = held.number

        def told(text: str | None) -> None:
            if text is None:
                return
            try:
                seconds = float(text)
            except ValueError:
                seconds = -1.0
            if not 0 <= seconds <= LONGEST_DELAY:
                self._desk.say(f"{text!r} is no number of seconds up to {LONGEST_DELAY:.0f}")
                return
            self._do(lambda desk, now: desk.delay(number, seconds, now))

        title = f"send {TITLES[held.came.act]} after how many seconds?"
        self._desk.app.push_screen(AskScreen(title, "", "as 2.5; it can still be sent before"), told)

    def action_edit(self) -> None:
        """Change fields: of what waits before it goes, of what went for another time."""
        row = self._desk.selected
        if row is None or row.kind is not RowKind.STEP:
            self._desk.say("Nothing can be changed here: select a step that is held, or that went.")
        elif row.held is not None:
            self._edit(row.held.number, row.held.step, waits=True)
        elif row.done is not None and row.done.repeatable:
            self._edit(row.done.number, row.done.sent or row.done.came, waits=False)
        else:
            self._desk.say("A step of this kind goes only once.")

    def action_decide(self) -> None:
        """A ready-made decision."""
        from app.tui.pages import ChoiceScreen

        held = self._held()
        if held is None:
            return
        choices = choices_for(held.step)
        lines = [(cell(choice.name, _NAME_WIDTH, Tone.STRONG), Span(f" {choice.says}", Tone.DIM)) for choice in choices]

        def chosen(index: int | None) -> None:
            if index is not None:
                self._decide(held, choices[index])

        self._desk.app.push_screen(ChoiceScreen(f"{TITLES[held.came.act]}: what to do?", lines), chosen)

    def action_by_itself(self) -> None:
        """Steps of this kind go by themselves from now on, or wait again."""
        row = self._desk.selected
        if row is None or row.act is None:
            self._desk.say("Select a step: all of its kind will go by themselves.")
            return
        self._switch(row.act)

    def action_all_by_itself(self) -> None:
        """From here on everything goes by itself; again: everything waits."""
        self._switch(None)

    def _switch(self, act: Act | None) -> None:
        by_hand = self._desk.view.by_hand
        waits = act in by_hand if act is not None else bool(by_hand)
        if waits:
            self._do(lambda desk, now: desk.run_by_itself(now, act))
        else:
            self._do(lambda desk, _: desk.take_in_hand(act))
        what = "Everything" if act is None else TITLES[act].capitalize()
        self._desk.say(f"{what} goes by itself from now on." if waits else f"{what} waits for you from now on.")

    def _decide(self, held: HeldStep, choice: Choice) -> None:
        number = held.number
        if choice.way is Way.LEAVE_OUT:
            self._do(lambda desk, now: desk.leave_out(number, now))
        elif choice.way is Way.SKIP:
            self._do(lambda desk, now: desk.skip(number, now))
        elif choice.way is Way.ASK:
            self._edit(number, held.step, waits=True, begin=choice.asks)
        else:
            try:
                step = choice.applied(held.step)
            except EditError as error:
                self._desk.say(f"{choice.name}: {error.reason}")
                return
            self._send_as(number, step)

    def _send_as(self, number: int, step: Step) -> None:
        def order(desk: Desk, now: float) -> None:
            desk.edit(number, step)
            desk.send(number, now)

        self._do(order)

    def _edit(self, number: int, step: Step, *, waits: bool, begin: str = "") -> None:
        from app.tui.hand.form import FormScreen

        if self._desk.hidden:
            self._desk.say("Addresses and keys are hidden; what is hidden can't be changed (H on the main screen).")
            return

        def changed(now: Step | None) -> None:
            if now is None:
                return
            if waits:
                self._do(lambda desk, _: desk.edit(number, now))
            else:
                self._do(lambda desk, at: desk.repeat(number, at, now))

        remark = "taken over for when you send it" if waits else "sent once more, like this, as soon as you apply"
        form: FormScreen[Step] = FormScreen(TITLES[step.act], step, fields_of, with_fields, (remark,), begin)
        self._desk.app.push_screen(form, changed)

    def _held(self) -> HeldStep | None:
        row = self._desk.selected
        if row is not None and row.held is not None:
            return row.held
        self._desk.say(_why_not_held(row))
        return None

    def _done(self) -> DoneStep | None:
        row = self._desk.selected
        if row is not None and row.done is not None:
            return row.done
        self._desk.say("Send it first: D sends a step that went once more." if row is not None and row.held else
                       "Select a step that went: D sends it once more.")  # fmt: skip
        return None

    def _do(self, order: Order) -> None:
        self._desk.control.do(order)
        self._desk.look_soon()


def _why_not_held(row: DeskRow | None) -> str:
    if row is None:
        return "There is no step yet."
    if row.kind is RowKind.ATTEMPT:
        return "Select a step of this attempt that is held."
    if row.kind is RowKind.COMING:
        return "This step has not come yet."
    return "This step is gone; D sends it once more."
