"""The terminal inspector: opens captures, or shows live traffic, and puts up the main screen.

status = run(["lab.pcapng"], Keys())
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App, SystemCommand
from textual.screen import Screen

from app.exit_status import CommandError
from app.tui.hangup import HangUpWatch
from app.tui.keys.action import Context, key_text
from app.tui.keys.registry import ACTIONS, actions_in, bindings_of
from app.tui.loading import LoadingScreen, Progress
from app.tui.palette import DARK, LIGHT, THEMES

if TYPE_CHECKING:
    from app.demo_status import RunningDemo
    from app.node_status import RunningNode
    from app.tui.session import Session
    from app.tui.story_view import Feed, StoryView
    from capture.story import Keys


class PeepholeApp(App[int]):
    """Holds the session; screens do the rest."""

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
        tick: float = 0.1,
        node: RunningNode | None = None,
        demo: RunningDemo | None = None,
    ) -> None:
        super().__init__()
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme
        self.failure: BaseException | None = None
        self._opener = opener
        self._feed = feed
        self._filter_text = filter_text
        self._remarks = remarks
        self._zone = zone
        self._tick = tick
        self._node = node
        self._demo = demo
        self._hangup: HangUpWatch | None = None

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

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: every action of the main screen, and Textual's themes."""
        contexts = {Context.EVERYWHERE, Context.MAIN, Context.FIND} if screen.query("#ladder") else {Context.EVERYWHERE}
        for action in ACTIONS:
            if action.context in contexts and action.method not in {"command_palette", "evidence"}:
                title = f"{action.label[:1].upper()}{action.label[1:]}"
                yield SystemCommand(f"{title}  ({key_text(action.keys)})", action.help, self._doing(action.method))
        yield SystemCommand("Choose a theme", "any of Textual's themes", self.action_change_theme)

    def action_help(self) -> None:
        """Keys and signs; those of the focused pane first."""
        from app.draw.help_page import HelpRow, help_page
        from app.tui.pages import AttemptPage, HelpScreen

        if isinstance(self.screen, HelpScreen):
            return
        focus = self.screen.focused.id if self.screen.focused is not None else None
        here = {
            "attempts": Context.ATTEMPTS,
            "ladder": Context.LADDER,
            "fields": Context.FIELDS,
            "bytes": Context.BYTES,
            "verdict": Context.LINKS,
            "expression": Context.FILTER,
            "sought": Context.FINDING,
            "choices": Context.CHOICE,
            "node-page": Context.NODE,
            "demo-page": Context.DEMO_PAGE,
        }.get(focus or "", Context.TURNING if isinstance(self.screen, AttemptPage) else None)
        contexts = [here] if here is not None else []
        contexts += [one for one in (Context.MAIN, Context.ROWS, *Context) if one is not here]
        sections = []
        for context in dict.fromkeys(contexts):
            rows = [HelpRow(key_text(action.keys), action.help) for action in actions_in(context)]
            sections.append((str(context), rows))
        self.push_screen(HelpScreen("help", lambda width: help_page(sections, width)))

    async def action_quit(self) -> None:
        """Leave; while packets are being captured, ask first: what was not written is gone."""
        from app.draw.spans import Span
        from app.tui.pages import ChoiceScreen

        if self._node is not None:
            self._take_leave(self._node)
            return
        if isinstance(self.screen, ChoiceScreen) or self._feed is None or len(self.screen_stack) < 2:
            self.exit(0)
            return

        def chosen(index: int | None) -> None:
            if index == 0:
                self.exit(0)

        title = f"still capturing on {self._feed.name}"
        choices = ((Span("leave and stop capturing"),), (Span("stay"),))
        self.push_screen(ChoiceScreen(title, choices), chosen)

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

    def action_switch_theme(self) -> None:
        """Dark to light and back."""
        self.theme = DARK if self.theme == LIGHT else LIGHT

    def action_save_picture(self) -> None:
        """Save what is on screen as SVG in the working directory."""
        path = self.save_screenshot(path=os.getcwd())
        self.notify(f"Saved as {path}", markup=False)

    def _doing(self, method: str) -> Callable[[], Any]:
        async def do() -> None:
            target = self.screen if hasattr(self.screen, f"action_{method}") else self
            await self.run_action(method, target)

        return do

    def _prepare(self, progress: Progress) -> Session:
        """Runs in a thread: read the files, and import what the main screen needs."""
        import app.tui.main_screen  # noqa: F401 - so that showing it costs nothing
        from app.tui.session import Session

        story = self._opener(progress)
        return Session(story, self._feed, self._filter_text, tuple(self._remarks(story)))

    def _show_main(self, session: Session) -> None:
        from app.tui.main_screen import MainScreen

        self.switch_screen(MainScreen(session, self._zone, self._tick, self._node, self._demo))

    def _failed(self, error: BaseException) -> None:
        self.failure = error
        self.exit(1)


def run(paths: Sequence[str], keys: Keys, *, filter_text: str = "", theme: str | None = None) -> int:
    """Open captures in the inspector; returns when the user leaves.

    Args:
        paths: capture files; ``-`` is standard input.
        keys: keys to open payloads with.
        filter_text: the filter to begin with.
        theme: name of a theme; None looks at what the terminal says of itself.

    Raises:
        CaptureError: a file can't be read as a capture; the screen is left before.
    """
    if "-" in paths:
        _free_standard_input()

    def opener(progress: Progress) -> StoryView:
        from capture.story import Story

        return Story.open(paths, keys, progress)

    def remarks(story: StoryView) -> Iterable[str]:
        from app.reading import useless_keys

        return useless_keys(story, keys)

    theme = theme or _terminal_theme()
    return _show(PeepholeApp(opener, filter_text=filter_text, remarks=remarks, theme=theme))


def run_live(
    story: StoryView,
    feed: Feed,
    *,
    filter_text: str = "",
    theme: str | None = None,
    node: RunningNode | None = None,
    demo: RunningDemo | None = None,
) -> int:
    """Show a story while a feed makes it grow; returns when the user leaves. The caller closes the feed.

    Args:
        story: what is shown.
        feed: makes it grow.
        filter_text: the filter to begin with.
        theme: name of a theme; None looks at what the terminal says of itself.
        node: a node of ours, which runs in the event loop of the screens and whose packets the feed brings.
        demo: the demo whose packets these are.

    Raises:
        CommandError: the node can't start.
    """
    theme = theme or _terminal_theme()
    return _show(PeepholeApp(lambda _: story, feed=feed, filter_text=filter_text, theme=theme, node=node, demo=demo))


def _show(app: PeepholeApp) -> int:
    status = app.run()
    if app.failure is not None:
        raise app.failure
    return status or 0


def _terminal_theme() -> str:
    """Light if the terminal names a light background in ``COLORFGBG``, as rxvt, Konsole and others do."""
    background = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT if background.isdigit() and int(background) in (7, 15) else DARK


def _free_standard_input() -> None:
    """Let captures come from standard input and keys from the terminal."""
    import sys

    piped = os.dup(0)
    terminal = os.open("/dev/tty", os.O_RDWR)
    os.dup2(terminal, 0)
    os.close(terminal)
    sys.stdin = os.fdopen(piped, "r")
