"""What takes something out of the inspector: files and the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen


class SavingActions:
    """Exports and copies."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    def action_export(self) -> None:
        """Write the attempt to a file."""
        from app.tui.exporting import choose_format

        choose_format(self._main)

    def action_copy(self) -> None:
        """Copy a report to the clipboard."""
        from app.export_text import text_export
        from app.tui.clipboard import copied

        main = self._main
        if main.flow is not None:
            main.app.copy_to_clipboard(text_export(main.flow, main.session.files, main.session))
            main.notify(copied("report"), markup=False, timeout=4)
