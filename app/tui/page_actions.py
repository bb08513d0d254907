"""What opens a page over the main screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from app.draw.linked import Linked
from app.draw.nat import nat_page
from app.draw.rounds import rounds_page
from app.draw.verdict import verdict_page
from app.tui.pages import AttemptPage
from capture.model import Flow, Sighting

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen


class PageActions:
    """Pages on the selected attempt, on the own node and on the demo."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    def action_verdict(self) -> None:
        """The verdict page."""
        files = self._main.session.files
        self._page("verdict", lambda flow, width: verdict_page(flow, files, width))

    def action_nat(self) -> None:
        """The NAT page."""
        self._page("NAT evidence", nat_page)

    def action_rounds(self) -> None:
        """The page of rounds and tokens."""
        self._page("rounds and tokens", rounds_page)

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

    def _page(self, title: str, draw: Callable[[Flow, int], list[Linked]]) -> None:
        main = self._main
        flow = main.flow
        if flow is None:
            return

        def closed(sighting: Sighting | None) -> None:
            if sighting is not None:
                main.go_to(sighting)

        main.app.push_screen(AttemptPage(f"{title} · {flow.id[:8]}", lambda width: draw(flow, width)), closed)
