"""The settings screen: what is set, changed by a key and seen at once, and written to the file when asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from app.config import SETTINGS, Config, Kind, Origin, Reading, Setting, Value, keep, read_config
from app.draw.linked import Linked, paragraph
from app.draw.settings import setting_line
from app.draw.spans import Line, Span, Tone
from app.exit_status import CommandError
from app.tui.bars import ActionBar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.line_view import LineView
from app.tui.linked_view import LinkedView

if TYPE_CHECKING:
    from app.tui.app import PeepholeApp

_SHOWN: Final = tuple(SETTINGS.values())
_EXPLAINED: Final = 3
"""Lines for what a setting is."""


class SettingsView(LineView):
    """A row for each setting."""

    def __init__(self, line_of: Callable[[Setting, int], Line]) -> None:
        super().__init__(id="settings")
        self._line_of = line_of
        self.title = "settings"

    @property
    def row_count(self) -> int:
        """All settings."""
        return len(_SHOWN)

    @property
    def setting(self) -> Setting:
        """The one under the cursor."""
        return _SHOWN[self.cursor]

    def draw_row(self, index: int) -> Line:
        """A setting, with a sign where the cursor is."""
        sign = Span("▶" if index == self.cursor else " ", Tone.KEY)
        return (sign, *self._line_of(_SHOWN[index], self.row_width - 1))


class SettingsScreen(ModalScreen[None], inherit_bindings=False):
    """Shows and changes the configuration of the app."""

    BINDINGS: ClassVar = [*bindings_of(Context.SETTINGS), *bindings_of(Context.EVERYWHERE, namespace="app.")]

    DEFAULT_CSS = """
    SettingsScreen { align: center middle; background: $background; }
    SettingsScreen > Vertical { width: 100%; height: 100%; max-width: 132; background: $background; }
    SettingsScreen SettingsView { height: 1fr; }
    SettingsScreen #explained { height: 4; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._reading: Reading = read_config()
        self._changed: set[str] = set()

    def compose(self) -> ComposeResult:
        """Settings, what the selected one is, keys."""
        with Vertical():
            yield SettingsView(self._line)
            yield LinkedView("explained", "what it is")
            yield ActionBar()

    def on_mount(self) -> None:
        """Show them."""
        view = self.query_one(SettingsView)
        view.rows_changed()
        view.focus()
        self.query_one("#explained", LinkedView).can_focus = False
        self.query_one(ActionBar).show(actions_in(Context.SETTINGS, Context.EVERYWHERE))
        self._explain()

    def on_line_view_moved(self) -> None:
        """Another setting."""
        self._explain()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """A double click."""
        event.stop()
        self.action_turn(1)

    def action_turn(self, by: int) -> None:
        """The next or the previous value."""
        setting, value = self._view.setting, self._value(self._view.setting)
        if setting.kind is Kind.SWITCH:
            self._set(setting, not value)
        elif setting.kind is Kind.CHOICE:
            choices = setting.choices
            at = choices.index(str(value)) if value in choices else -by
            self._set(setting, choices[(at + by) % len(choices)])
        else:
            self.notify("This one is written in the file: e opens it.", markup=False)

    def action_default(self) -> None:
        """What holds where nothing is set."""
        if self._view.setting.kind in (Kind.SWITCH, Kind.CHOICE):
            self._set(self._view.setting, self._view.setting.default)

    def action_keep(self) -> None:
        """Write what was changed."""
        if not self._changed:
            self.notify("Nothing was changed.", markup=False)
            return
        changes = {name: self._value(SETTINGS[name]) for name in _SHOWN_NAMES if name in self._changed}
        try:
            path = keep(changes)
        except CommandError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self._changed.clear()
        self._reading = read_config()
        self._repaint()
        self.notify(f"Kept in {path}", markup=False)

    async def action_edit(self) -> None:
        """Open the file in the user's editor, and take what it says then."""
        from app.config.writing import file_to_edit
        from app.tui.outside import NoProgramError, editor, run_outside

        try:
            await run_outside(self._app, [*editor(self._app.config.editor), str(file_to_edit())])
        except (NoProgramError, CommandError) as error:
            self.notify(str(error), severity="error", markup=False)
            return
        before = self._reading.config
        self._reading = read_config()
        for fault in (*map(str, self._reading.faults), *self._app.use_keys(self._reading.config.keys)):
            self.notify(fault, title="configuration", severity="warning", timeout=12, markup=False)
        edited = {
            one.attribute: getattr(self._reading.config, one.attribute)
            for one in _SHOWN
            if getattr(self._reading.config, one.attribute) != getattr(before, one.attribute)
        }
        self._changed -= {name for name in self._changed if SETTINGS[name].attribute in edited}
        self._app.adopt(replace(self._app.config, **edited))
        self._repaint()

    def action_close(self) -> None:
        """Back to where one came from."""
        self.dismiss(None)

    @property
    def _app(self) -> PeepholeApp:
        return cast("PeepholeApp", self.app)

    @property
    def _view(self) -> SettingsView:
        return self.query_one(SettingsView)

    def _value(self, setting: Setting) -> Value:
        value: Value = getattr(self._app.config, setting.attribute)
        return value

    def _set(self, setting: Setting, value: Value) -> None:
        changes: dict[str, Any] = {setting.attribute: value}
        self._changed.add(setting.name)
        config: Config = replace(self._app.config, **changes)
        self._app.adopt(config)
        self._repaint()

    def _line(self, setting: Setting, width: int) -> Line:
        origin = self._reading.origins[setting.name]
        value, kept = self._value(setting), getattr(self._reading.config, setting.attribute)
        # What an option of the command line said, or ctrl+t, is neither in the file nor changed here.
        shown = str(origin) if value == kept else str(Origin("this run"))
        return setting_line(setting, value, _short(shown), width, changed=setting.name in self._changed)

    def _explain(self) -> None:
        setting = self._view.setting
        allowed = f" Allowed: {setting.allowed}." if setting.kind is Kind.CHOICE else ""
        variable = f" {setting.variable} overrides the file." if setting.variable else ""

        def content(width: int) -> list[Linked]:
            return paragraph(f"{setting.says}{allowed}{variable}", width)[:_EXPLAINED]

        self.query_one("#explained", LinkedView).show(content)

    def _repaint(self) -> None:
        self._view.repaint()
        self.query_one(ActionBar).repaint()


_SHOWN_NAMES: Final = tuple(SETTINGS)


def _short(origin: str) -> str:
    """A path without its folders, which would take the row."""
    return origin.rpartition("/")[2]
