"""The screen of a client or server by hand: steps that wait, what they say, and the ladder that grows beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widget import Widget

from app.draw.desk import HELD, TITLES, Mask, desk_line, plain, step_page
from app.draw.ladder_options import LadderOptions
from app.draw.pending import timers_of
from app.draw.spans import Line, Span, Tone
from app.hand.desk import DeskControl, DeskView
from app.hand.desk_rows import DeskRow
from app.node_status import RunningNode, Timer
from app.terminal_text import clip, safe_text
from app.tui.bars import ActionBar, Bar
from app.tui.hand.desk_actions import DeskActions
from app.tui.hand.desk_list import DeskList
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.ladder_view import LadderView
from app.tui.line_view import LineView
from app.tui.linked_view import LinkedView
from app.tui.session import Session
from capture.model import Flow, Sighting

if TYPE_CHECKING:
    from capture.masking.masking import Masking

TICK: Final = 0.2
"""Seconds between two looks: ages and countdowns are in tenths."""
SOON: Final = 0.03
"""Seconds after which an order of the user's has been done."""
BESIDE: Final = 112
"""Columns from which the ladder stands beside the steps."""
WIDE: Final = 150
"""Columns from which steps have more of them."""
ROOMY: Final = 34
"""Lines from which list, step and ladder all fit one below the other."""


class DeskLine(Bar):
    """What is by hand, and how many steps wait."""

    def __init__(self, what: str) -> None:
        super().__init__(id="desk-line")
        self.what = what
        self.view = DeskView()

    def line(self) -> Line:
        """The state."""
        return desk_line(self.view, self.what)


class Said(Bar):
    """What came of the last key."""

    def __init__(self) -> None:
        super().__init__(id="desk-said")
        self.text = ""

    def say(self, text: str) -> None:
        """Say something of any origin."""
        self.text = safe_text(text)
        self.repaint()

    def line(self) -> Line:
        """The words."""
        return (Span(clip(f" {self.text}", self.size.width), Tone.WARN),) if self.text else ()


class DeskScreen(DeskActions, Screen[Sighting | None], inherit_bindings=False):
    """Closes with the packet to go to on the main screen, or None.

    Args:
        control: the desk.
        what: what is by hand, in a few words of ours.
        session: the story of the node's own packets.
        node: the node.
        options: how ladders are drawn.
        masking: what stands for addresses and keys now; None while they are shown.
    """

    BINDINGS: ClassVar = bindings_of(Context.DESK)

    DEFAULT_CSS = """
    DeskScreen { background: $background; }
    DeskScreen #desk-panes { height: 1fr; layout: vertical; }
    DeskScreen.beside #desk-panes { layout: horizontal; }
    DeskScreen #desk-left { width: 100%; height: 1fr; }
    DeskScreen.beside #desk-left { width: 56; height: 100%; }
    DeskScreen.wide #desk-left { width: 84; }
    DeskScreen #desk-step { height: 1fr; }
    DeskScreen #ladder { width: 100%; height: 1fr; }
    DeskScreen.beside #ladder { width: 1fr; height: 100%; border-left: solid $border; }
    """

    def __init__(
        self,
        control: DeskControl,
        what: str,
        session: Session,
        node: RunningNode | None,
        options: LadderOptions,
        masking: Callable[[], Masking | None] = lambda: None,
    ) -> None:
        super().__init__()
        self.control = control
        self.view = DeskView()
        self._what = what
        self._session = session
        self._node = node
        self._options = options
        self._masking = masking
        self._flow: Flow | None = None

    def compose(self) -> ComposeResult:
        """State, steps and the selected one, the ladder, what came of the last key, keys."""
        yield DeskLine(self._what)
        with Container(id="desk-panes"):
            with Vertical(id="desk-left"):
                yield DeskList(self.mask)
                yield LinkedView("desk-step", "step")
            yield LadderView(self._options)
        yield Said()
        yield ActionBar()

    def on_mount(self) -> None:
        """Show what there is, and keep it up to date."""
        ladder = self.query_one(LadderView)
        ladder.growing = True
        self._share_out()
        self.steps.focus()
        self.query_one(ActionBar).show(actions_in(Context.DESK, Context.EVERYWHERE))
        self.look()
        self.set_interval(TICK, self.look)

    @property
    def steps(self) -> DeskList:
        """The list."""
        return self.query_one(DeskList)

    @property
    def selected(self) -> DeskRow | None:
        """The row under the cursor."""
        return self.steps.selected

    @property
    def hidden(self) -> bool:
        """Whether addresses and keys are hidden now."""
        return self._masking() is not None

    def mask(self) -> Mask:
        """What may be shown of a text."""
        masking = self._masking()
        if masking is None:
            return plain

        def masked(text: str) -> str:
            return str(masking.value(text))

        return masked

    def say(self, text: str) -> None:
        """Say what came of a key."""
        self.query_one(Said).say(text)

    def look_soon(self) -> None:
        """An order was left: look when it has been done."""
        self.say("")
        self.set_timer(SOON, self.look)

    def look(self) -> None:
        """Show the desk, the selected step and its attempt as they are now."""
        self.view = self.control.view
        for trouble in self.control.take_troubles():
            self.say(trouble)
        line = self.query_one(DeskLine)
        line.view = self.view
        line.repaint()
        self.steps.show(self.view)
        self._show_step()
        self._show_ladder()

    def on_resize(self) -> None:
        """Give each pane its place."""
        self._share_out()

    def on_descendant_focus(self) -> None:
        """Where there is little room, the focused pane has it."""
        self._share_out()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """Another step."""
        if isinstance(event.view, DeskList):
            self.say("")
            self._show_step()
            self._show_ladder()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Enter sends what waits, folds and unfolds attempts, and goes to packets."""
        event.stop()
        if isinstance(event.view, DeskList):
            self.action_open_row()
        elif isinstance(event.view, LadderView):
            selected = event.view.selected
            if not event.view.fold_or_unfold() and selected is not None and selected[1] is not None:
                self.dismiss(selected[1])

    def action_next_held(self) -> None:
        """To the next step that waits."""
        self.steps.focus()
        self.steps.action_next_held()

    def action_open_row(self) -> None:
        """Send what waits; fold or unfold an attempt."""
        if self.focused is self.steps and not self.steps.fold_or_unfold():
            self.action_send()

    def action_pane(self, by: int) -> None:
        """To another pane."""
        panes: list[Widget] = [self.steps, self.query_one("#desk-step"), self.query_one(LadderView)]
        at = panes.index(self.focused) if self.focused in panes else 0
        to = panes[(at + by) % len(panes)]
        to.display = True
        to.focus()

    def action_close(self) -> None:
        """To the list, from there to the main screen; what waits goes on waiting."""
        if self.focused is not self.steps and self.focused is not None:
            self.steps.focus()
        else:
            self.dismiss(None)

    def _share_out(self) -> None:
        width, height = self.app.size
        beside, roomy = width >= BESIDE, height >= ROOMY
        self.set_class(beside, "beside")
        self.set_class(width >= WIDE, "wide")
        ladder, step = self.query_one(LadderView), self.query_one("#desk-step")
        on_ladder = self.focused is ladder
        ladder.display = beside or roomy or on_ladder
        step.display = beside or roomy or not on_ladder
        self.query_one("#desk-left").styles.height = "100%" if beside else "2fr" if ladder.display and roomy else "1fr"

    def _show_step(self) -> None:
        row, view, mask = self.selected, self.view, self.mask()
        page = self.query_one("#desk-step", LinkedView)
        page.show(lambda width: step_page(row, view, width, mask), keep=True)

    def _show_ladder(self) -> None:
        """The attempt of the selected step, as far as its packets tell, with what it waits for."""
        ladder, row, session = self.query_one(LadderView), self.selected, self._session
        attempt = "" if row is None else row.connection.attempt.hex()
        flow = next((one for one in session.flows if one.id == attempt), None) if attempt else None
        ladder.title = "ladder" if flow is not None else "ladder: begins with the handshake"
        if flow is not self._flow:
            at_end = ladder.cursor >= ladder.row_count - 1 or self.focused is not ladder
            self._flow = flow
            if flow is not None:
                session.work_out(flow)
            ladder.show_time(session.last_time)
            ladder.show(flow, session, session.files)
            if at_end and flow is not None:
                ladder.go_to_end()
        if flow is not None and row is not None:
            ladder.show_timers((*self._held_timers(row), *self._own_timers(flow)))

    def _held_timers(self, row: DeskRow) -> tuple[Timer, ...]:
        """The steps of this attempt that wait, and what others do if they go on waiting."""
        now = self.view.now
        held = [one for one in self.view.held if one.came.connection is row.connection]
        waiting = [
            Timer(-1.0 if one.due is None else max(0.0, one.due - now), f"{HELD} {TITLES[one.came.act]} is held")
            for one in held
        ]
        due = dict.fromkeys((timer.name, timer.due) for one in held for timer in one.timers if timer.due > now)
        return (*waiting, *(Timer(at - now, name) for name, at in sorted(due, key=lambda one: one[1])))

    def _own_timers(self, flow: Flow) -> tuple[Timer, ...]:
        status = None if self._node is None else self._node.status()
        return () if status is None else timers_of(flow, status.timers)
