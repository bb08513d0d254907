"""The way from the main screen to the intercept screen, and how many messages are held meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from app.intercept_status import Interception
    from app.tui.main_screen import MainScreen

_OURS: Final = (
    "A node of our own can hold what it receives, sends and passes on: peephole node, listen, connect, and demo, where "
    "everything runs on this machine."
)
FROM_FILE: Final = f"These packets are in a file: all of them went their way long ago, and none can be held. {_OURS}"
FROM_INTERFACE: Final = (
    f"These packets are watched on their way past: they do not come through here, and none can be held. {_OURS}"
)
NOT_YET: Final = f"What runs here passes nothing through an interceptor. {_OURS}"


class InterceptOpening:
    """I on the main screen, and the count of held messages on its status line."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    @property
    def interception(self) -> Interception | None:
        """What holds messages here, if anything does."""
        main = self._main
        if main.node is not None:
            return main.node.interception
        return None if main.demo is None else main.demo.interception

    @property
    def held_count(self) -> int:
        """How many messages are held now."""
        status = None if self.interception is None else self.interception.status()
        return 0 if status is None else len(status.held)

    def action_intercept(self) -> None:
        """Open the intercept screen; it says so where nothing can be held."""
        from app.tui.hand.intercept_screen import InterceptScreen

        main = self._main
        main.app.push_screen(InterceptScreen(self.interception, self._nothing(), main.zone, main.masking_now))

    def _nothing(self) -> str:
        main = self._main
        if main.session.feed is None:
            return FROM_FILE
        return NOT_YET if main.node is not None or main.demo is not None else FROM_INTERFACE
