"""What settings mean for the main screen, and the text that it offers to other programs."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from app import names
from app.config.settings import Config, Value
from app.draw.attempts import Order
from app.draw.ladder_options import Bursts, ColourMode, LadderOptions, Level, TimeMode
from app.exit_status import CommandError
from app.tui.attempt_list import AttemptList
from app.tui.list_actions import ListSettings

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen
    from app.tui.texts import Text

DETAIL: Final = {"auto": None, "shown": True, "hidden": False}
"""What the setting ``detail`` means for the pane."""


def ladder_options(config: Config, zone: datetime.tzinfo | None, before: LadderOptions | None = None) -> LadderOptions:
    """How a ladder is drawn under a configuration; marks and unfolded bursts stay."""
    return replace(
        before or LadderOptions(),
        time=TimeMode[config.ladder_time.upper()],
        colour=ColourMode[config.ladder_colour.upper()],
        bursts=Bursts[config.ladder_bursts.upper()],
        level=Level[config.ladder_level.upper()],
        zone=zone,
    )


class ConfigActions:
    """Adopts settings while the screen is up."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    config: Config
    """What holds for this screen."""

    def begin_with(self, config: Config) -> None:
        """Take settings before anything is shown."""
        main = self._main
        main.config = config
        main.detail = DETAIL[config.detail]
        main.list_settings = ListSettings(config.list_columns, Order(config.list_sort, config.list_reverse), self._keep)

    def _keep(self, changes: Mapping[str, Value]) -> None:
        """Write settings into the configuration file; say where, or why not."""
        from app.config import keep

        try:
            path = keep(changes)
        except CommandError as error:
            self._main.notify(str(error), severity="warning", markup=False)
        else:
            self._main.notify(f"Kept in {path}", markup=False)

    def adopt(self, config: Config) -> None:
        """Show things as another configuration says; what it leaves as it was stays as keys have made it."""
        main, before = self._main, self._main.config
        main.config = config
        if ladder_options(config, main.zone) != ladder_options(before, main.zone):
            main.ladder.set_options(ladder_options(config, main.zone, main.ladder.options))
            main.title_ladder()
        if config.redact not in (before.redact, main.hidden):
            main.action_hide()
        if config.aliases_shown not in (before.aliases_shown, names.shown()):
            main.action_names()
        if config.list_columns != before.list_columns:
            main.query_one(AttemptList).choose_columns(config.list_columns)
        if (config.list_sort, config.list_reverse) != (before.list_sort, before.list_reverse):
            main.post_message(AttemptList.OrderWanted(Order(config.list_sort, config.list_reverse)))
        if config.detail != before.detail:
            main.detail = DETAIL[config.detail]
            main.share_out()

    def report_here(self) -> Text | None:
        """The report of the selected attempt."""
        from app.export_text import text_export
        from app.tui.texts import Text

        main = self._main
        if main.flow is None:
            return None
        return Text(f"attempt-{main.flow.shown_id[:8]}", text_export(main.flow, main.session.files, main.session))
