"""What the keys of the main screen do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, TypeVar, cast

from app.draw import terms
from app.draw.ladder_plan import Bursts, ColourMode, TimeMode
from app.draw.linked import Linked
from app.draw.nat import nat_page
from app.draw.rounds import rounds_page
from app.draw.verdict import verdict_page
from app.tui.pages import AttemptPage
from capture.model import Flow, Sighting

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen

E = TypeVar("E", bound=Enum)


def _next(value: E) -> E:
    """The member after `value`, round and round."""
    members = list(type(value))
    return members[(members.index(value) + 1) % len(members)]


class MainActions:
    """Actions of `MainScreen`, apart from what it shows."""

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

    def action_filter(self) -> None:
        """Type a filter."""
        from app.tui.filter_bar import FilterBar

        main = self._main
        main.query_one(FilterBar).open(main.session.filter)
        main.query_one(FilterBar).judge(len(main.session.shown), len(main.session.flows))
        main.share_out()

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

    def action_evidence(self, number: int) -> None:
        """To a piece of evidence."""
        flow = self._main.flow
        if flow is None:
            return
        if number > len(flow.verdict.evidence):
            self._main.notify(f"This verdict has {len(flow.verdict.evidence)} pieces of evidence.", markup=False)
            return
        self.go_to(flow.verdict.evidence[number - 1].sighting)

    def go_to(self, sighting: Sighting) -> None:
        """Select the step that shows a datagram."""
        main = self._main
        if main.ladder.go_to(sighting):
            if not main.maximised:
                main.ladder.focus()
        else:
            main.notify(f"Packet #{sighting.frame} is no step of this ladder.", markup=False)

    def action_time(self) -> None:
        """Next time mode; counting from a mark needs one."""
        ladder = self._main.ladder
        mode = _next(ladder.options.time)
        if mode is TimeMode.MARK and ladder.options.marked is None:
            mode = _next(mode)
        ladder.set_options(replace(ladder.options, time=mode))
        self.title_ladder()

    def action_colour(self) -> None:
        """Next colour mode."""
        ladder = self._main.ladder
        ladder.set_options(replace(ladder.options, colour=_next(ladder.options.colour)))
        self.title_ladder()

    def action_compress(self) -> None:
        """Fold relays and nodes into one lane, or not."""
        ladder = self._main.ladder
        ladder.set_options(replace(ladder.options, compressed=not ladder.options.compressed))
        self.title_ladder()

    def action_bursts(self) -> None:
        """Next way to show bursts."""
        ladder = self._main.ladder
        ladder.set_options(replace(ladder.options, bursts=_next(ladder.options.bursts), unfolded=frozenset()))
        self.title_ladder()

    def action_follow(self) -> None:
        """Keep the newest attempt selected."""
        from app.tui.attempt_list import AttemptList

        main = self._main
        main.follow = not main.follow
        if main.follow:
            main.query_one(AttemptList).action_last()
            main.ladder.go_to_end()
        main.show_status()

    def action_pause(self) -> None:
        """Freeze what is shown, or show what came since."""
        main = self._main
        if main.session.feed is not None:
            main.session.paused = not main.session.paused
            main.show_status()

    def action_export(self) -> None:
        """Write the attempt to a file."""
        from app.tui.exporting import choose_format

        choose_format(self._main)

    def action_copy(self) -> None:
        """Copy a report to the clipboard."""
        from app.export_text import text_export

        main = self._main
        if main.flow is not None:
            main.app.copy_to_clipboard(text_export(main.flow, main.session.files, main.session))
            main.notify("Report copied to the clipboard, if this terminal allows it.", timeout=3)

    def title_ladder(self) -> None:
        """Say what the ladder shows, and how."""
        main = self._main
        flow, options = main.flow, main.ladder.options
        if flow is None:
            return
        said = [
            "ladder",
            "" if options.time is TimeMode.RELATIVE else f"time: {options.time.value}",
            "" if options.colour is ColourMode.PHASE else f"colour: {options.colour.value}",
            "" if options.bursts is Bursts.FOLDED else f"bursts: {options.bursts.value}",
            "compressed" if options.compressed else "",
            f"{terms.address(flow.client)} → {terms.key(flow.key.server_public_key or flow.target)}",
            f"id {flow.id[:8]}",
        ]
        main.ladder.title = terms.joined(said)

    def _cycle(self, by: int) -> None:
        main = self._main
        panes = main.panes()
        if not panes:
            return
        at = panes.index(main.focused) if main.focused in panes else -by
        panes[(at + by) % len(panes)].focus()

    def _page(self, title: str, draw: Callable[[Flow, int], list[Linked]]) -> None:
        main = self._main
        flow = main.flow
        if flow is None:
            return

        def closed(sighting: Sighting | None) -> None:
            if sighting is not None:
                self.go_to(sighting)

        main.app.push_screen(AttemptPage(f"{title} · {flow.id[:8]}", lambda width: draw(flow, width)), closed)
