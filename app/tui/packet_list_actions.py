"""What the keys do on the screen of the packet list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeVar, cast

import numpy as np

from app.tui.asking import AskScreen
from app.tui.filter_bar import FilterBar
from app.tui.message_pane import MessagePane
from app.tui.notes_actions import keep_notes
from app.tui.replacing_worker import replace_worker

if TYPE_CHECKING:
    from app.tui.main_screen import MainScreen
    from app.tui.packet_screen import PacketScreen
    from capture.arrays import I64
    from capture.filter import Filter

Step = TypeVar("Step")

TELL: Final = 0.1
"""Seconds between two words on how far it is."""


class PacketListActions:
    """Panes, time, marks, what is live, and the ways out."""

    @property
    def _packets(self) -> PacketScreen:
        return cast("PacketScreen", self)

    def action_next_pane(self) -> None:
        """To the next pane."""
        self._cycle(1)

    def action_previous_pane(self) -> None:
        """To the previous pane."""
        self._cycle(-1)

    def action_maximise(self) -> None:
        """The whole screen for the focused pane, or back."""
        screen = self._packets
        screen.maximised = not screen.maximised
        screen.share_out()

    def action_detail(self) -> None:
        """Show or hide the message."""
        screen = self._packets
        if screen.query_one(MessagePane).display:
            screen.detail = False
            screen.packets.display = True
            screen.packets.focus()
            screen.share_out()
        else:
            screen.open_message()

    def action_close(self) -> None:
        """From the maximised pane or the message to the list, from there back to where one came from."""
        screen = self._packets
        at = screen.focused.id if screen.focused is not None else None
        if screen.maximised:
            self.action_maximise()
        elif at in {"fields", "bytes"}:
            screen.detail = None
            screen.packets.display = True
            screen.packets.focus()
            screen.share_out()
        else:
            screen.dismiss(None)

    def action_ladder(self) -> None:
        """To the ladder of the packet's attempt."""
        screen = self._packets
        selected = screen.selected_packet
        if selected is None:
            return
        sighting, flow, _ = selected
        if flow is None:
            screen.notify(f"Packet #{sighting.frame} is part of no attempt.", markup=False)
        else:
            screen.dismiss(sighting)

    def action_time(self) -> None:
        """Next way to count time."""
        self._packets.packets.next_time()
        self._packets.title_list()

    def action_follow(self) -> None:
        """Keep the newest packet selected."""
        screen = self._packets
        screen.follow = not screen.follow
        if screen.follow:
            screen.packets.action_last()
        screen.title_list()

    def action_pause(self) -> None:
        """Freeze what is shown, or show what came since."""
        screen = self._packets
        if screen.session.feed is not None:
            screen.session.paused = not screen.session.paused
            screen.look()
            screen.title_list()

    def action_filter(self) -> None:
        """Type a filter."""
        from capture.filter.packets import Packets

        screen = self._packets
        screen.query_one(FilterBar).open(screen.filter)
        if screen.session.feed is None:
            # What filters on packets need first takes a third of a second for a million: while the user types.
            screen.run_worker(Packets.of(screen.session.story).modes, thread=True, group="warm", exclusive=True)
        self.judge()
        screen.share_out()

    def judge(self) -> None:
        """Say how many packets pass."""
        screen = self._packets
        screen.query_one(FilterBar).judge(screen.packets.row_count, len(screen.session.table), "packet")

    async def apply(self, wanted: Filter) -> None:
        """Show only packets that pass, once what takes long is worked out, between keys."""
        screen = self._packets
        session = screen.session
        bound = session.bound(wanted)
        if not bound.settled:
            if session.feed is None:
                await asyncio.to_thread(bound.prepare_table)
            for _ in self._held_steps(bound.preparing()):
                await asyncio.sleep(0)
        if bound.settled or session.feed is None:
            bar, told = screen.query_one(FilterBar), time.monotonic()
            for part in self._held_steps(bound.masking()):
                if time.monotonic() > told + TELL:
                    told = time.monotonic()
                    bar.say(f"looking through the packets: {100 * part:.0f} %")
                await asyncio.sleep(0)
        screen.filter = bound
        screen.rows = self.passing()
        screen.packets.show(screen.rows, len(screen.session.table))
        self.judge()
        screen.title_list()
        screen.show_message()

    def passing(self) -> I64 | None:
        """Rows that pass the filter; None where there is none."""
        screen = self._packets
        if not screen.filter.text.strip():
            return None
        with screen.session.held():
            return np.flatnonzero(screen.filter.mask())

    def _held_steps(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Each step while nothing grows."""
        session = self._packets.session
        while True:
            with session.held():
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step

    def action_comment(self) -> None:
        """Write a comment on the selected packet."""
        screen = self._packets
        session, sighting = screen.session, screen.packets.selected
        if sighting is None:
            return

        def answered(text: str | None) -> None:
            if text is not None:
                session.notes = session.notes.with_comment(sighting, text)
                keep_notes(session)
                screen.packets.repaint()

        hint = "Recordings and pcapng exports keep it; an empty line takes it away."
        before = session.notes.on(sighting).replace("\n", " ")
        screen.app.push_screen(AskScreen(f"comment on packet #{sighting.frame}", before, hint), answered)

    def action_names(self) -> None:
        """Show names in place of addresses and keys, or not."""
        for main in self._main_screens():
            main.action_names()
        self._told_otherwise()

    def action_hide(self) -> None:
        """Mask addresses and keys, or show the real ones again."""
        screen = self._packets

        def hidden() -> None:
            self._told_otherwise()
            if screen.is_attached:
                replace_worker(screen, "filter", self.apply, screen.filter)

        for main in self._main_screens():
            main.action_hide(hidden)

    def _main_screens(self) -> list[MainScreen]:
        """The main screen below this one."""
        from app.tui.main_screen import MainScreen

        return [below for below in self._packets.app.screen_stack if isinstance(below, MainScreen)]

    def _told_otherwise(self) -> None:
        """Show the packets as they are told now."""
        screen = self._packets
        if screen.is_attached:
            screen.packets.show_again(screen.reader)
            screen.show_message()

    def action_export(self) -> None:
        """Write packets to a file."""
        from app.tui.packet_export import choose_packets

        choose_packets(self._packets)

    def action_copy(self) -> None:
        """Copy what the selected packet says."""
        screen = self._packets
        text = screen.text_here()
        if text is not None:
            screen.app.copy_to_clipboard(text.text)
            screen.notify("Packet copied to the clipboard, if this terminal allows it.", timeout=3)

    def _cycle(self, by: int) -> None:
        screen = self._packets
        panes = screen.panes()
        at = panes.index(screen.focused) if screen.focused in panes else -by
        panes[(at + by) % len(panes)].focus()
