"""The way from the main screen to the desk, and leaving while steps wait there."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.draw.spans import Span
from app.wording import counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.hand.desk import DeskControl
    from app.node_status import RunningNode
    from app.tui.app import PeepholeApp
    from app.tui.main_screen import MainScreen

NOTHING = "Nothing goes by hand here: peephole connect and peephole listen do it with --by-hand."


class DeskOpening:
    """B on the main screen; with a desk it is what one sees first."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    @property
    def desk(self) -> DeskControl | None:
        """Where steps wait, if anything goes by hand."""
        node = self._main.node
        return None if node is None else node.desk

    def begin_desk(self) -> None:
        """Show it, if there is one."""
        if self.desk is not None:
            self._main.call_after_refresh(self.action_desk)

    def action_desk(self) -> None:
        """Open the desk; say so where there is none."""
        from app.tui.hand.desk_screen import DeskScreen

        main, desk = self._main, self.desk
        if desk is None:
            main.notify(NOTHING, markup=False)
            return
        screen = DeskScreen(desk, desk.what, main.session, main.node, main.ladder.options, main.masking_now)
        main.app.push_screen(screen, main.go_to_packet)


def waiting_at(node: RunningNode | None) -> int:
    """Steps that wait at the desk of a node."""
    desk = None if node is None else node.desk
    return 0 if desk is None else len(desk.view.held)


def ask_about_steps(app: PeepholeApp, count: int, leave: Callable[[], Awaitable[None]]) -> None:
    """Ask whether to leave although steps wait; asked again, the inspector leaves."""
    from app.tui.pages import ChoiceScreen

    def chosen(index: int | None) -> None:
        if index == 0:
            app.run_worker(_awaited(leave), group="leave")

    title = f"{counted(count, 'step')} {'waits' if count == 1 else 'wait'} for you"
    app.question = ChoiceScreen(title, ((Span("leave; they are never sent"),), (Span("stay"),)))
    app.push_screen(app.question, chosen)


async def _awaited(leave: Callable[[], Awaitable[None]]) -> None:
    await leave()
