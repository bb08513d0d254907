"""The filter: typed under the list, judged with every key, completed and remembered."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from app.draw.spans import Line, Span, Tone
from app.terminal_text import clip, safe_text
from app.tui.bars import Bar
from app.tui.candidate_list import CandidateList
from app.tui.completing import Completion, complete, unfinished
from app.tui.keys.action import Context
from app.tui.keys.registry import bindings_of
from app.wording import counted
from capture.filter import Filter, FilterError, parse_filter
from capture.filter.fields import Field
from capture.flow import Flow

REMEMBERED = 50
"""Expressions that can be called back."""


class Judgement(Bar):
    """Says in words and a glyph whether the expression holds."""

    def __init__(self) -> None:
        super().__init__(id="judgement")
        self._text = ""
        self._good = True

    def show(self, text: str, *, good: bool) -> None:
        """Say something, of any origin."""
        self._text, self._good = safe_text(text), good
        self.refresh()

    def line(self) -> Line:
        """Glyph and words."""
        tone = Tone.GOOD if self._good else Tone.BAD
        return (Span(clip(f" {'✓' if self._good else '✗'} {self._text}", self.size.width), tone),)


class FilterInput(Input):
    """The line itself. At its end the right arrow takes what is proposed."""

    class AtEnd(Message):
        """The right arrow was pressed where there is nothing more to the right."""

    def action_cursor_right(self, select: bool = False) -> None:
        """One to the right, or on into what is proposed."""
        if not select and self.cursor_position == len(self.value):
            self.post_message(self.AtEnd())
        else:
            super().action_cursor_right(select)


class FilterBar(Vertical):
    """An input that applies every valid expression at once. Enter and Esc keep the last valid one."""

    BINDINGS = bindings_of(Context.FILTER)

    DEFAULT_CSS = """
    FilterBar { height: 2; display: none; }
    FilterBar Input { width: 100%; height: 1; border: none; padding: 0 1; background: $panel; }
    FilterBar Input:focus { border: none; background-tint: transparent; }
    FilterBar.good Input { color: $success; }
    FilterBar.bad Input { color: $error; }
    """

    class Applied(Message):
        """Another filter holds. `done` when the user has finished."""

        def __init__(self, wanted: Filter, *, done: bool) -> None:
            super().__init__()
            self.wanted = wanted
            self.done = done

    def __init__(self, zone: datetime.tzinfo | None = None, current: Callable[[], Flow | None] = lambda: None) -> None:
        super().__init__(id="filter")
        self._zone = zone
        self._current = current
        """The attempt whose values are proposed first."""
        self._valid = parse_filter("")
        self._waiting: Filter | None = None
        """What is typed, if it holds but may only be the beginning of a name."""
        self._completion: Completion | None = None
        self._history: list[str] = []
        self._recalled = 0
        """How far back in the history one is; 0 is what is typed."""
        self._typed = ""

    @property
    def lines(self) -> int:
        """Screen lines that it takes now."""
        return 2 if self.display else 0

    def compose(self) -> ComposeResult:
        """The input, under it the judgement, and over the panes below what can be typed."""
        yield FilterInput(
            id="expression", placeholder="verdict != punched and rounds > 1", compact=True, select_on_focus=False
        )
        yield Judgement()
        yield CandidateList()

    def open(self, current: Filter, text: str | None = None) -> None:
        """Let the user type.

        Args:
            current: the filter that holds.
            text: what stands there to begin with; None: the filter that holds.
        """
        self._valid = current
        self._waiting = None
        self._remember(current.text)
        self._recalled = 0
        self.display = True
        self._set(current.text if text is None else text)
        self._propose(None)
        self.query_one(Input).focus()
        if text is not None:
            self._judge(text)

    def judge(self, shown: int, total: int, what: str = "attempt") -> None:
        """Say how many pass."""
        self.query_one(Judgement).show(f"{shown} of {counted(total, what)}", good=True)
        self._colour(good=True)

    def say(self, text: str) -> None:
        """Say what goes on."""
        self.query_one(Judgement).show(text, good=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Apply what is valid; say what is wrong with the rest; propose how to go on."""
        event.stop()
        if not self.display:
            return
        self._recalled = 0
        self._judge(event.value)
        self._propose(complete(event.value, event.input.cursor_position, self._at_hand))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was chosen among the proposals, else keep the expression."""
        event.stop()
        self.action_keep()

    def on_filter_input_at_end(self, event: FilterInput.AtEnd) -> None:
        """Take the proposal."""
        event.stop()
        if self.query_one(CandidateList).display:
            self.action_complete()

    def on_candidate_list_taken(self, event: CandidateList.Taken) -> None:
        """Take the proposal that was clicked."""
        event.stop()
        self._accept(event.index)

    def action_complete(self) -> None:
        """Take the selected proposal; where none is shown, show what can be typed."""
        candidates = self.query_one(CandidateList)
        if candidates.display:
            self._accept(candidates.selected or 0)
            return
        entry = self.query_one(Input)
        self._propose(complete(entry.value, entry.cursor_position, self._at_hand))

    def action_choose(self, step: int) -> None:
        """Another proposal; where none is shown, an expression from before."""
        candidates = self.query_one(CandidateList)
        if candidates.display:
            candidates.choose(step)
        else:
            self._recall(self._recalled - step)

    def action_keep(self) -> None:
        """Take what was chosen among the proposals; else keep the expression, if it holds."""
        candidates = self.query_one(CandidateList)
        if candidates.display and candidates.selected is not None:
            self._accept(candidates.selected)
            return
        if self._waiting is not None:
            self._valid = self._waiting
        elif self._judge(self.query_one(Input).value) is False:
            return
        self._close()

    def action_leave(self) -> None:
        """Leave with the last expression that held."""
        self._close()

    def _judge(self, text: str) -> bool:
        """Apply an expression if it holds, else say why it does not."""
        self._waiting = None
        try:
            wanted = parse_filter(text.rstrip(), self._zone)
        except FilterError as error:
            self.query_one(Judgement).show(str(error), good=False)
            self._colour(good=False)
            return False
        self._colour(good=True)
        if unfinished(text):
            self._waiting = wanted
            self.query_one(Judgement).show("the beginning of a name; Enter looks for it as text", good=True)
            return True
        if wanted.text != self._valid.text:
            self._valid = wanted
            self.post_message(self.Applied(wanted, done=False))
        return True

    def _colour(self, *, good: bool) -> None:
        self.set_class(good, "good")
        self.set_class(not good, "bad")

    def _propose(self, completion: Completion | None) -> None:
        self._completion = completion
        entry = self.query_one(Input)
        candidates = () if completion is None else completion.candidates
        whole = completion is not None and [one.text for one in candidates] == [
            entry.value[completion.start : completion.end]
        ]
        start = 0 if completion is None else completion.start
        self.query_one(CandidateList).show(() if whole else candidates, 1 + start - entry.scroll_offset.x)

    def _accept(self, index: int) -> None:
        if self._completion is None or index >= len(self._completion.candidates):
            return
        entry = self.query_one(Input)
        text, cursor = self._completion.accept(entry.value, index)
        self._set(text, cursor)
        self._recalled = 0
        self._judge(text)
        self._propose(complete(text, cursor, self._at_hand))

    def _at_hand(self, field: Field) -> Iterable[str]:
        flow = self._current()
        if flow is None or field.of_flow is None or field.drawn or field.name == "text":
            return ()
        return dict.fromkeys(str(value) for value in field.of_flow(flow))

    def _recall(self, back: int) -> None:
        """Show an expression from before, or what was typed."""
        if not 0 <= back <= len(self._history):
            return
        entry = self.query_one(Input)
        if self._recalled == 0:
            self._typed = entry.value
        text = self._typed if back == 0 else self._history[-back]
        self._set(text)
        self._recalled = back
        self._judge(text)

    def _remember(self, text: str) -> None:
        if text.strip():
            others = [one for one in self._history if one != text]
            self._history = [*others[1 - REMEMBERED :], text]

    def _set(self, text: str, cursor: int | None = None) -> None:
        """Put a text into the line, as if it had been there."""
        entry = self.query_one(Input)
        with self.prevent(Input.Changed):
            entry.value = text
        entry.cursor_position = len(text) if cursor is None else cursor

    def _close(self) -> None:
        self._remember(self._valid.text)
        self._propose(None)
        self.display = False
        self.post_message(self.Applied(self._valid, done=True))
