"""What opens a page over the main screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.tui.attempt_page import AttemptPage
from capture.model import Sighting

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen


class PageActions:
    """Pages on the selected attempt, on the own node and on the demo."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    def action_verdict(self) -> None:
        """The verdict page."""
        self._page("verdict")

    def action_nat(self) -> None:
        """The NAT page."""
        self._page("nat")

    def action_rounds(self) -> None:
        """The page of rounds."""
        self._page("rounds")

    def action_candidates(self) -> None:
        """The page of candidates."""
        self._page("candidates")

    def action_tokens(self) -> None:
        """The page of tokens."""
        self._page("tokens")

    def action_statistics(self) -> None:
        """Statistics of the attempts that are shown."""
        from app.tui.filter_bar import FilterBar
        from app.tui.statistics_screen import StatisticsScreen
        from capture.filter import parse_filter

        main = self._main

        def choose(expression: str) -> None:
            main.on_filter_bar_applied(FilterBar.Applied(parse_filter(expression), done=True))

        main.app.push_screen(StatisticsScreen(main.session, main.zone, choose))

    def action_let_go(self) -> None:
        """The attempts that were let go."""
        from app.tui.let_go_screen import LetGoScreen

        main = self._main
        retention, masking = main.session.retention, main.masking_now()
        if retention is None or not retention.ledger.attempts:
            main.app.notify("No attempt was let go.", markup=False)
        elif masking is None:
            main.app.push_screen(LetGoScreen(retention.ledger, main.zone))
        else:
            main.app.push_screen(LetGoScreen(retention.ledger, main.zone, masking.mask.address))

    def action_node(self) -> None:
        """The pages of the running node."""
        from app.tui.node_pages import NodeScreen

        if self._main.node is not None and self._main.node.status() is not None:
            self._main.app.push_screen(NodeScreen(self._main.node))

    def action_demo(self) -> None:
        """What the demo is, and what is played."""
        from app.tui.demo_page import DemoScreen

        if self._main.demo is not None and self._main.demo.status() is not None:
            self._main.app.push_screen(DemoScreen(self._main.demo))

    def _page(self, page: str) -> None:
        main = self._main
        flow = main.flow
        if flow is None:
            return

        def closed(sighting: Sighting | None) -> None:
            if sighting is not None:
                main.go_to(sighting)

        main.app.push_screen(AttemptPage(page, flow, main.session), closed)
