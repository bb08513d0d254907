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
        """Copy a report on the attempt to the clipboard, as Markdown for a bug thread."""
        from app.report_markdown import markdown_report
        from app.tui.attempt_page import work_out
        from app.tui.clipboard import copied
        from app.versions import version

        main = self._main
        flow, session = main.flow, main.session
        if flow is None:
            return
        work_out(flow, session)
        with session.held():
            report = markdown_report(flow, session.files, session, version=version())
        main.app.copy_to_clipboard(report)
        main.notify(copied("report"), markup=False, timeout=4)
