"""What the keys of the main screen do."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen


class MainActions:
    """Panes, and what is live."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    def action_next_pane(self) -> None:
        """To the next pane."""
        self._cycle(1)

    def action_previous_pane(self) -> None:
        """To the previous pane."""
        self._cycle(-1)

    def action_maximise(self) -> None:
        """The whole screen for the focused pane, or back."""
        self._main.maximised = not self._main.maximised
        self._main.share_out()

    async def action_back(self) -> None:
        """One level back: out of the maximised pane, the message, the ladder, then out of Peephole."""
        main = self._main
        at = main.focused.id if main.focused is not None else None
        if main.maximised:
            self.action_maximise()
        elif at in {"fields", "bytes"}:
            main.ladder.display = True
            main.detail = None
            main.ladder.focus()
            main.share_out()
        elif at in {"ladder", "verdict"}:
            main.query_one("#attempts").focus()
        else:
            await main.run_action("app.quit")

    def action_detail(self) -> None:
        """Show or hide the message."""
        main = self._main
        shown = main.query_one("#message").display
        if shown:
            main.detail = False
            if main.focused is not None and main.focused.id in {"fields", "bytes"}:
                main.ladder.display = True
                main.ladder.focus()
            main.share_out()
        else:
            self.open_message()

    def open_message(self) -> None:
        """Show the message and go there."""
        main = self._main
        main.detail = True
        main.query_one("#message").display = True
        main.show_message()
        main.query_one("#fields").focus()
        main.share_out()

    def action_pause(self) -> None:
        """Freeze what is shown, or show what came since."""
        main = self._main
        if main.session.feed is not None:
            main.session.paused = not main.session.paused
            main.show_status()

    def _cycle(self, by: int) -> None:
        main = self._main
        panes = main.panes()
        if not panes:
            return
        at = panes.index(main.focused) if main.focused in panes else -by
        panes[(at + by) % len(panes)].focus()
