"""What keys do on every screen: help, settings, themes, pictures, and texts in other programs."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.exit_status import CommandError
from app.tui.keys.action import Context, key_text
from app.tui.keys.registry import actions_in
from app.tui.themes import SHORT_NAMES, short_name, theme_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.tui.app import PeepholeApp


def now_text(zone: datetime.tzinfo | None) -> str:
    """The time, for the name of a file."""
    return datetime.datetime.now(zone).strftime("%Y-%m-%d-%H%M%S")


class AppActions:
    """Actions of the app."""

    @property
    def _app(self) -> PeepholeApp:
        return cast("PeepholeApp", self)

    def action_help(self) -> None:
        """Keys and signs; those of the focused pane first."""
        from app.draw.help_page import HelpRow, help_page
        from app.tui.here import contexts_here
        from app.tui.pages import HelpScreen

        app = self._app
        if isinstance(app.screen, HelpScreen):
            return
        sections = []
        for context in dict.fromkeys((*contexts_here(app.screen), Context.MAIN, Context.ROWS, *Context)):
            rows = [HelpRow(key_text(action.keys), action.help) for action in actions_in(context)]
            sections.append((str(context), rows))
        app.push_screen(HelpScreen("help", lambda width: help_page(sections, width)))

    def action_settings(self) -> None:
        """The settings, with their values."""
        from app.tui.settings_page import SettingsScreen

        app = self._app
        if not isinstance(app.screen, SettingsScreen):
            app.push_screen(SettingsScreen())

    def action_next_theme(self) -> None:
        """The next of our themes; kept in the configuration if it says so."""
        app = self._app
        if app.colourless:
            app.notify("No theme but this one while NO_COLOR or the setting `colours` forbids colours.", markup=False)
            return
        names = list(SHORT_NAMES)
        at = names.index(short_name(app.theme)) if short_name(app.theme) in names else -1
        wanted = names[(at + 1) % len(names)]
        app.config = replace(app.config, theme=wanted)
        app.theme = theme_name(wanted)
        if app.config.keep_theme:
            self._keep_theme(wanted)

    def action_save_picture(self) -> None:
        """Save what is on screen as SVG in the working directory, never over another file."""
        app = self._app
        stamp = now_text(app.zone)
        content = app.export_screenshot(title="peephole")
        for number in range(1, 100):
            path = Path(f"peephole-{stamp}{f'-{number}' if number > 1 else ''}.svg")
            try:
                with path.open("x", encoding="utf-8") as file:
                    file.write(content)
            except FileExistsError:
                continue
            except OSError as error:
                app.notify(f"{path} can't be written: {error.strerror or error}", severity="error", markup=False)
                return
            app.notify(f"Saved as {Path.cwd() / path}", markup=False)
            return
        app.notify(f"A hundred pictures of {stamp} are here already.", severity="error", markup=False)

    async def action_open_in_editor(self) -> None:
        """What is shown here, in the user's editor."""
        from app.tui.outside import NoProgramError, editor

        try:
            await self._show(editor(self._app.config.editor))
        except NoProgramError as error:
            self._app.notify(str(error), severity="error", markup=False)

    async def action_open_in_pager(self) -> None:
        """What is shown here, in the user's pager."""
        from app.tui.outside import NoProgramError, pager

        try:
            await self._show(pager(self._app.config.pager))
        except NoProgramError as error:
            self._app.notify(str(error), severity="error", markup=False)

    async def _show(self, command: Sequence[str]) -> None:
        from app.tui.outside import show_outside
        from app.tui.texts import text_on

        found = text_on(self._app.screen)
        if found is None:
            self._app.notify("There is no text here.", markup=False)
            return
        await show_outside(self._app, command, *found)

    def _keep_theme(self, wanted: str) -> None:
        from app.config import keep

        try:
            keep({"theme": wanted})
        except CommandError as error:
            self._app.notify(str(error), severity="warning", markup=False)
