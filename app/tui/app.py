"""The terminal inspector: opens captures, or shows live traffic, and puts up the main screen.

status = run(["lab.pcapng"], Keys())
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypedDict

from textual.app import App, SystemCommand
from textual.events import Event, InputEvent, Resize
from textual.filter import LineFilter, Monochrome, NoColor
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from app.config.settings import DEFAULTS, Config
from app.config.trouble import nearest
from app.exit_status import CommandError
from app.tui.app_actions import AppActions
from app.tui.colourless import Colourless
from app.tui.giving_way import GivingWay
from app.tui.hangup import HangUpWatch
from app.tui.keys.action import NUMBERED, Context, key_text
from app.tui.keys.registry import ACTIONS, bindings_of, use_keys
from app.tui.loading import LoadingScreen
from app.tui.pace import LEAST, LEAST_ALONE, PATIENCE
from app.tui.themes import DARK, MONO, THEMES, no_colours, short_name, theme_name

if TYPE_CHECKING:
    from app.config.reading import Reading
    from app.demo_status import RunningDemo
    from app.node_status import RunningNode
    from app.tui.clock_actions import Kept
    from app.tui.here import Doable
    from app.tui.session import Session
    from app.tui.story_view import Feed, StoryView
    from capture.opening import Progress
    from capture.story import Keys


ROOM: Final = Size(80, 24)
"""Cells of a terminal that shows everything; a smaller one shows what fits."""


class _Configured(TypedDict):
    """What a configuration gives the app."""

    theme: str
    config: Config
    faults: Sequence[str]


class PeepholeApp(AppActions, App[int]):
    """Holds the session and the configuration; screens do the rest."""

    TITLE = "peephole"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS = bindings_of(Context.EVERYWHERE)

    def __init__(
        self,
        opener: Callable[[Progress], StoryView],
        *,
        feed: Feed | None = None,
        filter_text: str = "",
        remarks: Callable[[StoryView], Iterable[str]] = lambda _: (),
        theme: str = DARK,
        zone: datetime.tzinfo | None = None,
        tick: float = LEAST,
        patience: float = 0.0,
        node: RunningNode | None = None,
        demo: RunningDemo | None = None,
        config: Config = DEFAULTS,
        faults: Sequence[str] = (),
        reread: Callable[[Mapping[str, float], Progress], StoryView] | None = None,
    ) -> None:
        super().__init__()
        self.reread = reread
        """Reads the files once more, with the clocks of some known to be ahead; None where that can't be."""
        self._kept: Kept | None = None
        self.config = config
        """What the user has set; changes while the settings are open."""
        self.colourless = config.colours == "never" or no_colours()
        """Whether no colour may be used, whatever theme is asked for."""
        self._colourless = Colourless()
        self._faults = [*faults, *self.use_keys(config.keys)]
        for one in THEMES:
            self.register_theme(one)
        self.theme = MONO if self.colourless else self._known_theme(theme)
        self.zone = zone
        self.failure: BaseException | None = None
        self._opener = opener
        self._feed = feed
        self._filter_text = filter_text
        self._remarks = remarks
        self._tick = tick
        self._patience = patience
        self._way = GivingWay()
        self._node = node
        self._demo = demo
        self._hangup: HangUpWatch | None = None
        self.question: Screen[int | None] | None = None
        """Whether to stop capturing; asked to leave again while it stands, the inspector leaves."""
        self._small = False

    async def on_mount(self) -> None:
        """Read the files while the screen is up; a node of ours begins at once, in this event loop."""
        self._hangup = HangUpWatch(self.exit)
        if self._node is not None:
            try:
                await self._node.start()
            except CommandError as error:
                self._failed(error)
                return
        self.push_screen(LoadingScreen(self._prepare, self._show_main, self._failed))

    async def on_unmount(self) -> None:
        """Whatever way it ended, no socket of the node stays open."""
        if self._hangup is not None:
            self._hangup.stop()
        if self._node is not None:
            await self._node.close_now()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Without colours nothing of Textual's own shades is left, either; with an empty NO_COLOR there are colours."""
        if self.colourless or self.theme == MONO:
            return [self._colourless]
        return [one for one in super().get_line_filters() if not isinstance(one, Monochrome | NoColor)]

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every action of every pane of this screen, and Textual's themes."""
        from app.tui.here import doable

        for one in doable(screen, self._idle()):
            action, number = one.action, ""
            if action.method in NUMBERED:
                number = f" {one.call.rpartition('(')[2].rstrip(')')}"
            title = f"{action.label[:1].upper()}{action.label[1:]}{number}"
            yield SystemCommand(
                f"{title}  ({key_text(one.keys)})", f"{action.context}: {action.help}", self._doing(one)
            )
        yield SystemCommand("Choose a theme", "any of Textual's themes", self.action_change_theme)

    def on_resize(self, event: Resize) -> None:
        """Say so where there is too little room, once, and go on."""
        small = event.size.width < ROOM.width or event.size.height < ROOM.height
        if small and not self._small:
            room, wanted = f"{event.size.width}x{event.size.height}", f"{ROOM.width}x{ROOM.height}"
            self.notify(f"{room} is little room; {wanted} shows everything.", severity="warning", markup=False)
        self._small = small

    async def on_event(self, event: Event) -> None:
        """What works in the background makes way for the user."""
        if isinstance(event, InputEvent):
            self._way.note()
        await super().on_event(event)

    async def action_quit(self) -> None:
        """Leave; while messages are held or packets captured, ask first what is to become of them."""
        from app.tui.hand.desk_opening import ask_about_steps, waiting_at
        from app.tui.hand.intercept_quitting import ask_first, held_by

        running = self._node or self._demo
        interception = None if running is None else running.interception
        if interception is not None and held_by(interception) and self.screen is not self.question:
            ask_first(self, interception, lambda: self._leave(asked=True))
        elif (waiting := waiting_at(self._node)) and self.screen is not self.question:
            ask_about_steps(self, waiting, lambda: self._leave(asked=True))
        else:
            await self._leave(asked=self.screen is self.question)

    async def _leave(self, *, asked: bool) -> None:
        from app.draw.spans import Span
        from app.tui.pages import ChoiceScreen

        if self._node is not None:
            self._take_leave(self._node)
            return
        if self._feed is None or getattr(self._feed, "ended", False) or len(self.screen_stack) < 2 or asked:
            self.exit(0)
            return

        def chosen(index: int | None) -> None:
            if index == 0:
                self.exit(0)

        title = f"still capturing on {self._feed.name}"
        choices = ((Span("leave and stop capturing"),), (Span("stay"),))
        self.question = ChoiceScreen(title, choices)
        self.push_screen(self.question, chosen)

    def _take_leave(self, node: RunningNode) -> None:
        """Let the node tell the network, then leave; asked for again, leave at once."""
        from app.tui.node_leaving import LeavingScreen

        if isinstance(self.screen, LeavingScreen):
            self.exit(0)
            return

        async def leave() -> None:
            await node.stop()
            self.exit(0)

        if node.farewell:
            self.push_screen(LeavingScreen(node.farewell, lambda: self.exit(0)))
        self.run_worker(leave(), group="leave", exclusive=True)

    def _doing(self, one: Doable) -> Callable[[], Any]:
        async def do() -> None:
            if one.away and isinstance(one.node, Widget):
                one.node.focus()
            await self.run_action(one.call, one.node)

        return do

    def _idle(self) -> set[Context]:
        """Contexts of the main screen that mean nothing here."""
        idle: dict[Context, object] = {Context.LIVE: self._feed, Context.OWN_NODE: self._node, Context.DEMO: self._demo}
        idle[Context.INTERCEPTING] = self._node or self._demo
        idle[Context.BY_HAND] = None if self._node is None else self._node.desk
        return {context for context, needed in idle.items() if needed is None}

    def _prepare(self, progress: Progress) -> Session:
        """Runs in a thread: read the files, and import what the main screen needs."""
        import app.tui.main_screen  # noqa: F401 - so that showing it costs nothing
        from app.tui.session import Session

        story = self._opener(progress)
        session = Session(story, self._feed, self._filter_text, tuple(self._remarks(story)))
        if self._feed is None:
            session.index()
        return session

    def _show_main(self, session: Session) -> None:
        from app.tui.main_screen import MainScreen

        screen = MainScreen(session, self.zone, self._tick, self._node, self._demo, self.config)
        screen.patience = self._patience
        if self._kept is not None:
            session.notes = self._kept.notes
            screen.mask, screen.hidden_at_first = self._kept.mask, self._kept.hidden
            screen.call_after_refresh(screen.select_attempt, self._kept.attempt)
        session.breathe = self._way.breathe
        # What was opened over the progress would be replaced in its place.
        while not isinstance(self.screen, LoadingScreen):
            self.pop_screen()
        self.switch_screen(screen)
        for fault in self._faults:
            self.notify(fault, title="configuration", severity="warning", timeout=12, markup=False)

    def read_again(self, opener: Callable[[Progress], StoryView], filter_text: str, kept: Kept) -> None:
        """Read the files in another way, and show them in place of what is shown."""
        self._opener, self._filter_text, self._kept = opener, filter_text, kept
        self.switch_screen(LoadingScreen(self._prepare, self._show_main, self._failed))

    def _failed(self, error: BaseException) -> None:
        self.failure = error
        self.exit(1)

    def adopt(self, config: Config) -> None:
        """Let another configuration hold, on every screen, from now on."""
        before, self.config = self.config, config
        self.colourless = config.colours == "never" or no_colours()
        if config.theme != before.theme or config.colours != before.colours:
            self.theme = MONO if self.colourless else self._known_theme(theme_name(config.theme))
        for screen in self.screen_stack:
            adopt = getattr(screen, "adopt", None)
            if callable(adopt):
                adopt(config)

    def use_keys(self, wanted: Mapping[str, str]) -> list[str]:
        """Let actions have the keys that the user wants, in bindings, footer, help and palette; say what can't be."""
        from app.tui.keys.rebinding import rebind, textual_keymap

        keys, faults = rebind(wanted, ACTIONS)
        use_keys(keys)
        self.set_keymap(textual_keymap(keys, ACTIONS))
        return [f"keys.{id_}: {problem}" for id_, problem in faults]

    def _known_theme(self, name: str) -> str:
        if name in self.available_themes:
            return name
        shown = {short_name(one) for one in self.available_themes}
        self._faults.append(f"theme: there is no theme {name!r}{nearest(name, shown) or '; ctrl+p lists them'}")
        return theme_name("auto")


def run(
    paths: Sequence[str],
    keys: Keys,
    *,
    filter_text: str = "",
    reading: Reading | None = None,
    ahead: Mapping[str, float] | None = None,
) -> int:
    """Open captures in the inspector; returns when the user leaves.

    Args:
        paths: capture files; ``-`` is standard input.
        keys: keys to open payloads with.
        filter_text: the filter to begin with.
        reading: what the user has set; what is wrong with it is said once the screen is up.
        ahead: by how many seconds the clocks of some files are known to be ahead, by path.

    Raises:
        CaptureError: a file can't be read as a capture; the screen is left before.
    """
    if "-" in paths:
        _free_standard_input()

    def reread(ahead: Mapping[str, float] | None, progress: Progress) -> StoryView:
        from capture.collector import set_aside
        from capture.story import Story

        story = Story.open(paths, keys, progress, ahead)
        story.make_ready(progress)
        set_aside()
        return story

    def remarks(story: StoryView) -> Iterable[str]:
        from app.reading import useless_keys

        return useless_keys(story, keys)

    set_ = settings_of(reading)
    opener, again = partial(reread, ahead), None if "-" in paths else reread
    return _show(PeepholeApp(opener, filter_text=filter_text, patience=PATIENCE, remarks=remarks, reread=again, **set_))


def run_live(
    story: StoryView,
    feed: Feed,
    *,
    filter_text: str = "",
    reading: Reading | None = None,
    node: RunningNode | None = None,
    demo: RunningDemo | None = None,
) -> int:
    """Show a story while a feed makes it grow; returns when the user leaves. The caller closes the feed.

    Args:
        story: what is shown.
        feed: makes it grow.
        filter_text: the filter to begin with.
        reading: what the user has set; what is wrong with it is said once the screen is up.
        node: a node of ours, which runs in the event loop of the screens and whose packets the feed brings.
        demo: the demo whose packets these are.

    Raises:
        CommandError: the node can't start.
    """
    return _show(
        PeepholeApp(
            lambda _: story,
            feed=feed,
            filter_text=filter_text,
            tick=LEAST_ALONE if node is None and demo is None else LEAST,
            patience=PATIENCE,
            node=node,
            demo=demo,
            **settings_of(reading),
        )
    )


def settings_of(reading: Reading | None) -> _Configured:
    """What an app is made with, by what the user has set."""
    if reading is None:
        return {"theme": theme_name("auto"), "config": DEFAULTS, "faults": ()}
    config = reading.config
    return {"theme": theme_name(config.theme), "config": config, "faults": tuple(map(str, reading.faults))}


def _show(app: PeepholeApp) -> int:
    status = app.run(mouse=app.config.mouse)
    if app.failure is not None:
        raise app.failure
    return status or 0


def _free_standard_input() -> None:
    """Let captures come from standard input and keys from the terminal."""
    import sys

    piped = os.dup(0)
    terminal = os.open("/dev/tty", os.O_RDWR)
    os.dup2(terminal, 0)
    os.close(terminal)
    sys.stdin = os.fdopen(piped, "r")
