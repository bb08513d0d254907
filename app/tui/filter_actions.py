"""What the keys of the main screen do about the filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.draw.spans import Span, Tone, cell
from app.terminal_text import cell_width, safe_text

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen
    from app.tui.preparing import Prepared


class FilterActions:
    """A filter typed, or made of what is selected."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    def action_filter(self) -> None:
        """Type a filter."""
        self.type_filter()

    def type_filter(self, text: str | None = None) -> None:
        """Open the filter line.

        Args:
            text: what stands there to begin with; None: the filter that holds.
        """
        from app.tui.filter_bar import FilterBar
        from capture.filter.packets import Packets

        main = self._main
        bar = main.query_one(FilterBar)
        bar.judge(len(main.session.shown), len(main.session.flows))
        bar.open(main.session.filter, text)
        main.share_out()
        if main.session.feed is None:
            # What filters on packets need first takes a fifth of a second for a million: while the user types.
            main.run_worker(Packets.of(main.session.story).modes, thread=True, group="warm", exclusive=True)

    def action_prepare_filter(self) -> None:
        """A filter from a value of what is selected."""
        from app.tui.pages import ChoiceScreen
        from app.tui.preparing import added

        main = self._main
        prepared = self._prepared()
        before = main.session.filter.text
        if not prepared:
            main.notify("Nothing here that a filter has a name for.", timeout=3, markup=False)
            return
        if len(prepared) == 1:
            self.type_filter(added(before, prepared[0].text))
            return
        width = max(cell_width(safe_text(one.text)) for one in prepared)
        lines = [
            (cell(safe_text(one.text), min(width, 44), Tone.STRONG), Span(f"  {safe_text(one.says)}", Tone.DIM))
            for one in prepared
        ]

        def chosen(index: int | None) -> None:
            if index is not None:
                self.type_filter(added(before, prepared[index].text))

        main.app.push_screen(ChoiceScreen("filter by", lines), chosen)

    def _prepared(self) -> list[Prepared]:
        """Expressions for what is selected in the focused pane."""
        from app.tui.message_pane import FieldTree
        from app.tui.preparing import of_attempt, of_message_field, of_step

        main = self._main
        at = main.focused.id if main.focused is not None else None
        flow = main.flow
        if at in {"fields", "bytes"}:
            row = main.query_one(FieldTree).selected
            found = [] if row is None else of_message_field(row.field)
            if found:
                return found
        selected = main.ladder.selected
        if at in {"ladder", "fields", "bytes"} and selected is not None and main.ladder.flow is not None:
            return of_step(main.ladder.flow, selected[0])
        return [] if flow is None else of_attempt(flow)
