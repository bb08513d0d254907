"""What the main screen does with single packets: the packet list, and the message of the selected step."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.tui.message_actions import MessageActions
from capture.model import Flow, Sighting, Step

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen


class PacketActions(MessageActions):
    """The packet list, and ways from packet to packet."""

    @property
    def _main(self) -> MainScreen:
        return cast("MainScreen", self)

    more = 0
    """Lines that the list has on top of what it would have."""

    def action_larger(self) -> None:
        """More room for the message, or for the list if the keyboard is there."""
        self._resize(1)

    def action_smaller(self) -> None:
        """Less room."""
        self._resize(-1)

    def _resize(self, by: int) -> None:
        focused = self._main.focused
        if focused is not None and focused.id == "attempts":
            self.more = min(max(-20, self.more + 2 * by), 40)
            self._main.share_out()
        elif by > 0:
            super().action_larger()
        else:
            super().action_smaller()

    @property
    def selected_packet(self) -> tuple[Sighting, Flow | None, Step | None] | None:
        """The datagram of the selected step."""
        ladder = self._main.ladder
        selected = ladder.selected
        if selected is None or selected[1] is None:
            return None
        return selected[1], ladder.flow, selected[0]

    @property
    def marked_packets(self) -> tuple[Sighting, ...]:
        """Those of the marked steps."""
        sightings = (step.sighting for _, step in self._main.ladder.marked_steps)
        return tuple(one for one in sightings if one is not None)

    def visit(self, sighting: Sighting) -> None:
        """Select the step that shows a datagram; what is no step is shown in the packet list."""
        if not self._main.ladder.go_to(sighting):
            self.open_packets(sighting)

    def action_packets(self) -> None:
        """The packet list, at the packet of the selected step."""
        selected = self.selected_packet
        self.open_packets(None if selected is None else selected[0])

    def open_packets(self, select: Sighting | None, expression: str = "") -> None:
        """Show the packet list from a packet on, or those packets that pass a filter."""
        from app.tui.packet_screen import PacketScreen

        main = self._main
        main.app.push_screen(PacketScreen(main.session, select, main.zone, expression=expression), self.go_to_packet)

    def go_to_packet(self, sighting: Sighting | None) -> None:
        """Select the attempt that a packet is part of, and the step that shows it."""
        from app.tui.attempt_list import AttemptList

        main = self._main
        if sighting is None:
            return
        with main.session.held():
            flow = main.session.story.flow_of(sighting)
        at = None
        if flow is not None:
            at = next((index for index, one in enumerate(main.session.shown) if one.id == flow.id), None)
        if at is None:
            main.notify(f"The attempt of packet #{sighting.frame} does not pass the filter.", markup=False)
            return
        main.query_one(AttemptList).cursor = at
        main.call_after_refresh(main.go_to, sighting)
