"""The list of held messages, under them those that went on their way, newest first; and the list of rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.message import Message

from app.draw.held import ends_width, held_head, held_line, rule_line, rules_head, touched_line
from app.draw.spans import Line, Span, Tone
from app.intercept_status import HeldMessage, InterceptStatus, RuleStatus, TouchedMessage
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.tui.line_view import LineView, ShowsCursor
from protocol.messages import Address


class HeldList(LineView):
    """Held messages and those that lately went; the selection stays with its message."""

    BINDINGS = bindings_of(Context.HELD)

    def __init__(self) -> None:
        super().__init__(id="held")
        self._held: tuple[HeldMessage, ...] = ()
        self._touched: tuple[TouchedMessage, ...] = ()
        self._again: dict[int, int] = {}
        """Which held message repeats which other one."""
        self._now = 0.0
        self._ends = (-1, 0)
        """For which width of a row, and how many cells of it."""
        self.title = "held"

    @property
    def row_count(self) -> int:
        """Held ones, a heading if any went, and those."""
        return len(self._held) + bool(self._touched) + len(self._touched)

    @property
    def head_height(self) -> int:
        """The names of the columns."""
        return 1

    @property
    def selected(self) -> HeldMessage | TouchedMessage | None:
        """The message under the cursor."""
        return self._at(self.cursor)

    @property
    def held(self) -> tuple[HeldMessage, ...]:
        """Those that are held, in order."""
        return self._held

    def show(self, status: InterceptStatus) -> None:
        """Take the messages as they are now; stay on the selected one, or near it if it is held no more."""
        before, place = self.selected, self.cursor
        self._held, self._touched = status.held, status.touched
        self._again, self._now = _repeats(status.held), status.now
        self._ends = (-1, 0)
        going = f"{len(self._touched)} went on or were dropped lately" if self._touched else ""
        count = len(self._held)
        self.title = " · ".join(part for part in (f"{count} held" if count else "nothing is held", going) if part)
        at = self._place_of(before)
        if at is None:
            # It went: the next held one comes to its place.
            at = min(place, max(0, count - 1)) if count or not isinstance(before, TouchedMessage) else place
        self.set_reactive(LineView.cursor, min(at, max(0, self.row_count - 1)))
        self.rows_changed()

    def select(self, number: int) -> None:
        """Go to a held message."""
        for index, one in enumerate(self._held):
            if one.number == number:
                self.cursor = index

    def can_stand_on(self, index: int) -> bool:
        """Everything but the heading."""
        return 0 <= index < self.row_count and index != len(self._held)

    def draw_head(self) -> Sequence[Line]:
        """Names of the columns."""
        return ((Span(" "), *held_head(self.row_width - 1, self._ends_width)),)

    def draw_row(self, index: int) -> Line:
        """A message, with a sign where the cursor is."""
        one = self._at(index)
        if one is None:
            return (Span("   went on, or did not: r sends one once more", Tone.HEADING),)
        sign = Span("▶" if index == self.cursor else " ", Tone.KEY)
        width = self.row_width - 1
        if isinstance(one, HeldMessage):
            return (sign, *held_line(one, width, self._ends_width, self._again.get(one.number)))
        return (sign, *touched_line(one, self._now, width, self._ends_width))

    @property
    def _ends_width(self) -> int:
        """The same for all rows: of the longest pair of addresses that may be on screen."""
        width = self.row_width - 1
        if self._ends[0] != width:
            shown: tuple[HeldMessage | TouchedMessage, ...] = (*self._held, *self._touched[: self.size.height])
            self._ends = width, ends_width(shown, width)
        return self._ends[1]

    def _at(self, index: int) -> HeldMessage | TouchedMessage | None:
        count = len(self._held)
        if 0 <= index < count:
            return self._held[index]
        return self._touched[index - count - 1] if count < index < self.row_count else None

    def _place_of(self, one: HeldMessage | TouchedMessage | None) -> int | None:
        if isinstance(one, HeldMessage):
            return next((at for at, held in enumerate(self._held) if held.number == one.number), None)
        if one is not None:
            found = (at for at, touched in enumerate(self._touched) if touched.key == one.key)
            at = next(found, None)
            return None if at is None else len(self._held) + 1 + at
        return None


def _repeats(held: tuple[HeldMessage, ...]) -> dict[int, int]:
    """Held messages that repeat one that came before, by number."""
    first: dict[tuple[bytes, bool, Address, Address], int] = {}
    found: dict[int, int] = {}
    for one in sorted(held, key=lambda one: -one.age):
        known = first.setdefault((one.was.data, one.sent, one.was.source, one.was.to), one.number)
        if known != one.number:
            found[one.number] = known
    return found


class RuleList(LineView):
    """Rules with what they did."""

    BINDINGS = bindings_of(Context.RULES)
    SHOWS_CURSOR: ClassVar = ShowsCursor.WITH_FOCUS

    class Removed(Message):
        """The selected rule is to go."""

    def __init__(self) -> None:
        super().__init__(id="rules")
        self._rules: tuple[RuleStatus, ...] = ()
        self.title = "rules"

    @property
    def row_count(self) -> int:
        """All rules."""
        return len(self._rules)

    @property
    def head_height(self) -> int:
        """The names of the columns."""
        return 1

    @property
    def rules(self) -> tuple[RuleStatus, ...]:
        """All of them."""
        return self._rules

    @property
    def selected(self) -> RuleStatus | None:
        """The rule under the cursor."""
        return self._rules[self.cursor] if self.cursor < len(self._rules) else None

    def show(self, rules: tuple[RuleStatus, ...]) -> None:
        """Take the rules as they are now."""
        if rules != self._rules:
            self._rules = rules
            self.title = f"rules · {sum(rule.on for rule in rules)} of {len(rules)} on"
            self.rows_changed()

    def draw_head(self) -> Sequence[Line]:
        """Names of the columns."""
        return ((Span(" "), *rules_head(self.row_width - 1)),)

    def draw_row(self, index: int) -> Line:
        """A rule, with a sign where the cursor is."""
        sign = Span("▶" if self.has_focus and index == self.cursor else " ", Tone.KEY)
        return (sign, *rule_line(self._rules[index], self.row_width - 1))

    def action_remove(self) -> None:
        """Take it off the list; the screen does it."""
        if self.selected is not None:
            self.post_message(self.Removed())
