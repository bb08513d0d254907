"""The choice of an interface, before anything is opened: what `peephole watch` shows that was told nothing to watch.

Counters of interfaces are for everybody to read, so the sparklines take no permission. What listening takes is said
below them, with who would open the interface; where that fails, the choice comes back and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Final, NoReturn

from textual.app import ComposeResult
from textual.events import Mount
from textual.screen import Screen

from app.draw.interfaces import SECONDS, interface_line, name_width
from app.draw.spans import Line, Span, Tone
from app.listening import Listening, Openers
from app.terminal_text import safe_text
from app.tui.app import PeepholeApp, settings_of
from app.tui.bars import ActionBar
from app.tui.hangup import HangUpWatch
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.line_view import LineView

if TYPE_CHECKING:
    from app.config.reading import Reading
    from capture.interfaces import NetworkInterface

_BINDINGS = [*bindings_of(Context.INTERFACES), *bindings_of(Context.EVERYWHERE, namespace="app.")]
INTERVAL: Final = 1.0
"""Seconds between two looks at the counters."""
_MOST_LINES: Final = 10
"""Lines of what is said of permissions."""


class InterfaceView(LineView):
    """All interfaces, and below the title what listening on them takes."""

    def __init__(self, look: Callable[[], Sequence[NetworkInterface]], openers: Openers) -> None:
        super().__init__(id="interfaces")
        self._look = look
        self._found = tuple(look())
        self._rates: dict[str, list[int]] = {}
        self._openers = openers
        self.marked: set[str] = set()
        self.promiscuous = False
        self.opener = 0
        self.title = "what shall be listened on?"

    @property
    def row_count(self) -> int:
        """Every interface."""
        return len(self._found)

    @property
    def head_height(self) -> int:
        """How it is opened, what is said of that, and a blank line."""
        return 2 + len(self._said)

    @property
    def _said(self) -> list[tuple[str, Tone]]:
        """What is said of permissions, in lines of the present width."""
        width = max(20, self.row_width - 3)
        lines = [
            (line, Tone.DIM if number else Tone.WARN)
            for number, text in enumerate(self._openers.said)
            for line in wrap(safe_text(text), width, subsequent_indent="  ")
        ]
        return lines[:_MOST_LINES]

    def begin_with(self, before: Listening) -> None:
        """What was chosen before, as far as it is still there."""
        names = [one.name for one in self._found]
        self.promiscuous = before.promiscuous
        if before.opener in self._openers.names:
            self.opener = self._openers.names.index(before.opener)
        if len(before.interfaces) > 1:
            self.marked = set(before.interfaces) & set(names)
        elif before.interfaces[0] in names:
            self.cursor = names.index(before.interfaces[0])

    @property
    def chosen(self) -> Listening:
        """What is chosen now: the marked ones, else the one under the cursor."""
        names = tuple(one.name for one in self._found if one.name in self.marked) or (self._found[self.cursor].name,)
        return Listening(names, self.promiscuous, self._openers.names[self.opener])

    def draw_head(self) -> Sequence[Line]:
        """Who opens, the mode, and what is said of permissions."""
        who = self._openers.names[self.opener] or "peephole itself"
        mode = "promiscuous" if self.promiscuous else "not promiscuous"
        first = (Span("  opened by ", Tone.DIM), Span(safe_text(who), Tone.STRONG), Span(f" · {mode}", Tone.DIM))
        said = [(Span(f"  {text}", tone),) for text, tone in self._said]
        return first, *said, ()

    def draw_row(self, index: int) -> Line:
        """One interface."""
        one = self._found[index]
        return interface_line(
            one,
            self._rates.get(one.name, ()),
            name_width(self._found),
            marked=one.name in self.marked,
            cursor=index == self.cursor,
            width=self.row_width,
        )

    def look_again(self) -> None:
        """Read the counters, and see which interfaces there are now."""
        before = {one.name: one.packets for one in self._found}
        here = self._found[self.cursor].name if self._found else ""
        self._found = tuple(self._look())
        for one in self._found:
            known = before.get(one.name)
            if one.packets is not None and known is not None:
                passed = self._rates.setdefault(one.name, [])
                passed.append(max(0, one.packets - known))
                del passed[:-SECONDS]
        names = [one.name for one in self._found]
        self.marked &= set(names)
        self.rows_changed()
        if here in names:
            self.cursor = names.index(here)

    def tick(self) -> None:
        """Mark the interface under the cursor, or take the mark off."""
        self.marked ^= {self._found[self.cursor].name}
        self.repaint()

    def change_mode(self) -> None:
        """Promiscuous, or not."""
        self.promiscuous = not self.promiscuous
        self.repaint()

    def change_opener(self) -> None:
        """The next one that can open interfaces."""
        self.opener = (self.opener + 1) % len(self._openers.names)
        self.repaint()


class InterfaceScreen(Screen[Listening | None], inherit_bindings=False):
    """Closes with what the user decided, or None."""

    BINDINGS = _BINDINGS

    def __init__(
        self, look: Callable[[], Sequence[NetworkInterface]], openers: Openers, before: Listening | None = None
    ) -> None:
        super().__init__()
        self._view = InterfaceView(look, openers)
        self._before = before

    def compose(self) -> ComposeResult:
        """The interfaces, and the keys."""
        yield self._view
        yield ActionBar()

    def on_mount(self) -> None:
        """Show them, and look at their counters from now on."""
        self._view.rows_changed()
        if self._before is not None:
            self._view.begin_with(self._before)
        self._view.focus()
        self.query_one(ActionBar).show(actions_in(Context.INTERFACES, Context.EVERYWHERE))
        self.set_interval(INTERVAL, self._view.look_again)

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Enter, or a double click."""
        event.stop()
        self.action_listen()

    def action_listen(self) -> None:
        """Listen on what is chosen."""
        if self._view.row_count:
            self.dismiss(self._view.chosen)

    def action_tick(self) -> None:
        """Mark the interface under the cursor."""
        self._view.tick()

    def action_promiscuous(self) -> None:
        """Take frames for other hosts too, or not."""
        self._view.change_mode()

    def action_opener(self) -> None:
        """Have another program open the interface."""
        self._view.change_opener()

    def action_close(self) -> None:
        """Listen on none."""
        self.dismiss(None)


class ChooserApp(PeepholeApp):
    """Shows the choice alone, and ends with it."""

    choice: Listening | None = None

    def __init__(self, screen: InterfaceScreen, reading: Reading | None = None) -> None:
        super().__init__(_nothing, **settings_of(reading))
        self._screen = screen

    async def on_mount(self, event: Mount | None = None) -> None:
        """Show the choice, and nothing of what the inspector begins with."""
        if event is not None:
            event.prevent_default()
        self._hangup = HangUpWatch(self.exit)

        def chosen(choice: Listening | None) -> None:
            self.choice = choice
            self.exit(0)

        self.push_screen(self._screen, chosen)

    async def action_quit(self) -> None:
        """Leave without a choice."""
        self.exit(0)


def _nothing(_: object) -> NoReturn:
    raise AssertionError("there is no story yet")


def choose(openers: Openers, reading: Reading | None = None, before: Listening | None = None) -> Listening | None:
    """Have the user choose; None: none of them.

    Args:
        openers: who can open interfaces.
        reading: what the user has set.
        before: what was chosen before and could not be opened.
    """
    from capture.interfaces import interfaces

    app = ChooserApp(InterfaceScreen(interfaces, openers, before), reading)
    app.run(mouse=app.config.mouse)
    return app.choice
