"""Find on the main screen: expressions are asked of the attempts and packets of the session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from app.tui.find import FindActions

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen
    from capture.filter import Filter


class MainFind(FindActions):
    """F3, n and N in the panes of the main screen."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    def expressions(self) -> Callable[[Filter], Filter]:
        """Expressions hold of what the session shows."""
        return self._main.session.bound

    def find_bar_changed(self) -> None:
        """The panes give the bar its lines, or have them back."""
        self._main.share_out()
