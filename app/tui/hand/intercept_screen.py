"""The intercept screen: what is held, before and after it was changed, and the rules that do the same unattended."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from app.draw.held import intercept_line
from app.draw.held_page import held_page, nothing_held, touched_page
from app.draw.spans import Line, Span, Tone
from app.intercept_status import HeldMessage, InterceptError, Interception, InterceptStatus
from app.terminal_text import clip, safe_text
from app.tui.bars import ActionBar, Bar
from app.tui.find import FindActions
from app.tui.find_bar import FindBar
from app.tui.hand.intercept_bar import InterceptBar
from app.tui.hand.intercept_editing import EditingActions
from app.tui.hand.intercept_list import HeldList, RuleList
from app.tui.keys.action import Action, Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.line_view import LineView
from app.tui.linked_view import LinkedView
from protocol.editing.values import Draft

if TYPE_CHECKING:
    from capture.masking.masking import Masking

TICK: Final = 0.2
"""Seconds between two looks: ages and countdowns are in tenths."""
ROOMY: Final = 30
"""Lines from which list, message and rules all fit."""


class InterceptLine(Bar):
    """Whether messages are held, which, and how many."""

    def __init__(self) -> None:
        super().__init__(id="intercepting")
        self.status: InterceptStatus | None = None
        self.nothing = ""

    def line(self) -> Line:
        """The state."""
        return intercept_line(self.status, self.nothing, self.size.width)


class Saying(Bar):
    """What came of the last key, above the footer."""

    def __init__(self) -> None:
        super().__init__(id="said")
        self._text = ""
        self._good = True

    def say(self, text: str, *, good: bool = True) -> None:
        """Say something of any origin."""
        self._text, self._good = safe_text(text), good
        self.refresh()

    def line(self) -> Line:
        """A sign and words."""
        if not self._text:
            return ()
        sign = "✓" if self._good else "✗"
        return (Span(clip(f" {sign} {self._text}", self.size.width), Tone.GOOD if self._good else Tone.BAD),)


class InterceptScreen(EditingActions, FindActions, Screen[None], inherit_bindings=False):
    """Shows what the interceptor holds and does with it what the user wants.

    Args:
        interception: the interceptor of what runs; None where nothing does.
        nothing: why there is nothing to hold, if there is not.
        zone: of times of day in expressions.
        masking: what stands for addresses and keys now; None while they are shown.
    """

    BINDINGS: ClassVar = bindings_of(Context.INTERCEPT, Context.FIND)

    DEFAULT_CSS = """
    InterceptScreen { background: $background; }
    InterceptScreen HeldList { height: 1fr; }
    InterceptScreen #held-message { height: 2fr; }
    InterceptScreen RuleList { height: auto; }
    """

    def __init__(
        self,
        interception: Interception | None,
        nothing: str = "",
        zone: datetime.tzinfo | None = None,
        masking: Callable[[], Masking | None] = lambda: None,
    ) -> None:
        super().__init__()
        self.interception = interception
        self.zone = zone
        self._masking = masking
        self.maximised = False
        self.undo: dict[int, list[Draft]] = {}
        """What each held message was before its changes, the latest last."""
        self._nothing = nothing
        self._shown: tuple[str, int] | None = None
        """Which message is shown: held or gone, and its number."""

    def compose(self) -> ComposeResult:
        """State, list, message, rules, what came of the last key, keys."""
        yield InterceptLine()
        yield HeldList()
        yield InterceptBar(self.zone)
        yield LinkedView("held-message", "message")
        yield RuleList()
        yield FindBar()
        yield Saying()
        yield ActionBar()

    def on_mount(self) -> None:
        """Show what is held, and keep it up to date."""
        line = self.query_one(InterceptLine)
        line.nothing = self._nothing
        self.query_one(HeldList).focus()
        self.look()
        self.set_interval(TICK, self.look)

    @property
    def status(self) -> InterceptStatus | None:
        """How the interceptor was at the last look."""
        return self.query_one(InterceptLine).status

    @property
    def masked(self) -> bool:
        """Whether addresses and keys are hidden now."""
        return self._masking() is not None

    @property
    def messages(self) -> HeldList:
        """The list."""
        return self.query_one(HeldList)

    @property
    def rules(self) -> RuleList:
        """The rules."""
        return self.query_one(RuleList)

    def look(self) -> None:
        """Show how it is now; what has ended stays as it was last."""
        line, rules = self.query_one(InterceptLine), self.rules
        status = None if self.interception is None else self.interception.status()
        masking = self._masking()
        if status is not None and masking is not None:
            from app.tui.hand.intercept_hiding import hidden

            status = hidden(status, masking)
        status = status or line.status
        if status is not None:
            line.status = status
            self.messages.show(status)
            rules.show(status.rules)
            held = {one.number for one in status.held}
            self.undo = {number: drafts for number, drafts in self.undo.items() if number in held}
        line.repaint()
        self.show_message()
        self.share_out()

    def show_message(self) -> None:
        """Show the selected message; the same one from where the page was scrolled to."""
        view, selected = self.query_one("#held-message", LinkedView), self.messages.selected
        if selected is None:
            view.title = "how to hold a message"
            status, nothing = self.status, self._nothing
            view.show(lambda width: nothing_held(status, nothing, width), keep=self._shown is None)
            self._shown = None
        elif isinstance(selected, HeldMessage):
            held, name = selected, ("held", selected.number)
            view.title = f"#{held.number}{', edited' if held.edited else ''}"
            view.show(lambda width: held_page(held, width), keep=self._shown == name)
            self._shown = name
        else:
            touched, name = selected, ("gone", selected.key)
            view.title = f"#{touched.number}, {touched.fate}"
            now = 0.0 if self.status is None else self.status.now
            view.show(lambda width: touched_page(touched, now, width), keep=self._shown == name)
            self._shown = name

    def say(self, text: str, *, good: bool = True) -> None:
        """Say what came of a key."""
        self.query_one(Saying).say(text, good=good)

    def do(self, work: Coroutine[Any, Any, object], said: str = "") -> None:
        """Have something done by the interceptor, then show how it is."""
        self.run_worker(self._done(work, said), group="deed")

    async def _done(self, work: Coroutine[Any, Any, object], said: str) -> None:
        try:
            await work
        except InterceptError as error:
            self.say(str(error), good=False)
        else:
            self.say(said)
        self.look()

    def panes(self) -> list[Widget]:
        """The panes that can be reached now, in order."""
        found: list[Widget] = [self.messages, self.query_one("#held-message")]
        return [*found, self.rules] if self.rules.row_count else found

    def on_resize(self) -> None:
        """Give each pane its share."""
        self.share_out()

    def on_descendant_focus(self) -> None:
        """The footer speaks for the focused pane, which also gets room where there is little."""
        self.share_out()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """Another message."""
        if isinstance(event.view, HeldList):
            self.show_message()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Enter or a double click: to the fields of a message; a rule on or off."""
        if isinstance(event.view, HeldList):
            self.query_one("#held-message").focus()
        elif isinstance(event.view, RuleList):
            self.toggle_rule()

    def on_rule_list_removed(self) -> None:
        """Take the selected rule off the list."""
        self.remove_rule()

    def find_bar_changed(self) -> None:
        """The panes give the bar its line, or have it back."""
        self.share_out()

    def share_out(self) -> None:
        """Give every pane its place and size."""
        focused = self.focused.id if self.focused is not None else None
        message, rules = self.query_one("#held-message"), self.rules
        bars = 3 + self.query_one(InterceptBar).lines + self.query_one(FindBar).lines
        room = self.size.height - bars
        roomy = room >= ROOMY
        if self.maximised and focused in {"held", "held-message", "rules"}:
            for pane in (self.messages, message, rules):
                pane.display = pane.id == focused
                pane.styles.height = "1fr"
        else:
            rules.display = rules.row_count > 0 and (roomy or focused == "rules")
            message.display = roomy or focused != "rules"
            most = max(4, room // 3)
            self.messages.display = True
            self.messages.styles.height = min(most, 2 + max(1, self.messages.row_count)) if message.display else "1fr"
            message.styles.height = "1fr"
            rules.styles.height = min(2 + rules.row_count, max(5, room // 4) if message.display else room - 4)
        self.query_one(ActionBar).show(self._actions(focused))

    def _actions(self, focused: str | None) -> list[Action]:
        if focused == "expression":
            return list(actions_in(Context.FILTER))
        if focused == "sought":
            return list(actions_in(Context.FINDING))
        if self.interception is None:
            return [one for one in actions_in(Context.INTERCEPT) if one.id == "intercept.close"] + list(
                actions_in(Context.EVERYWHERE)
            )
        here = {"rules": Context.RULES, "held-message": Context.LINKS}.get(focused or "", Context.HELD)
        own = actions_in(here) if here is not Context.LINKS else ()
        return [*own, *actions_in(Context.INTERCEPT, Context.EVERYWHERE)]
