"""The screen of the packet list: every packet of the table, and the selected one taken apart."""

from __future__ import annotations

import asyncio
import datetime
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget

from app.draw import terms
from app.draw.packets import PacketTime
from app.tui.arrangement import PacketArrangement, arrange_packets
from app.tui.bars import ActionBar
from app.tui.filter_bar import FilterBar
from app.tui.find import FindActions
from app.tui.find_bar import FindBar
from app.tui.kept_lines import keep_lines
from app.tui.keys.action import Action, Context
from app.tui.keys.registry import actions_in, bindings_of
from app.tui.line_view import LineView
from app.tui.message_actions import MessageActions
from app.tui.message_pane import ByteView, FieldTree, MessagePane
from app.tui.message_source import view_of
from app.tui.notes_actions import marked_rows, take_marked_rows
from app.tui.packet_list import PacketList
from app.tui.packet_list_actions import PacketListActions
from app.tui.replacing_worker import replace_worker
from app.tui.session import Session
from app.wording import counted, grouped
from capture.errors import CaptureError
from capture.filter import Filter, parse_filter
from capture.model import Flow, Sighting, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from capture.arrays import I64

PART = 0.4
"""The part of the screen that the message has at first."""
REST = 0.08
"""Seconds between two messages that are taken apart while the selection runs on."""
TICK = 0.1
"""Seconds between looks at what came."""


class PacketScreen(MessageActions, PacketListActions, FindActions, Screen[Sighting | None], inherit_bindings=False):
    """Closes with the packet to go to in the ladder of its attempt, or None."""

    BINDINGS = bindings_of(Context.PACKET_SCREEN, Context.FIND)

    DEFAULT_CSS = """
    PacketScreen { background: $background; }
    PacketScreen #panes { height: 1fr; layout: vertical; }
    PacketScreen.beside #panes { layout: horizontal; }
    PacketScreen PacketList { width: 1fr; height: 1fr; }
    PacketScreen #message { width: 1fr; }
    PacketScreen.beside #message { border-left: solid $border; height: 1fr; }
    """

    def __init__(
        self,
        session: Session,
        select: Sighting | None = None,
        zone: datetime.tzinfo | None = None,
        tick: float = TICK,
        expression: str = "",
    ) -> None:
        super().__init__()
        keep_lines(self)
        self.session = session
        self.zone = zone
        self.detail: bool | None = None
        self.maximised = False
        self.follow = False
        self.filter: Filter = parse_filter("").on(session.story)
        self.rows: I64 | None = None
        """Rows that pass the filter; None for all."""
        self._select = select
        self._expression = expression
        """The filter to begin with."""
        self._tick = tick
        self._total = len(session.table)
        self._applied: PacketArrangement | None = None
        self._resting = False
        """The message was brought up to date just now: while a key is held down, it is so some times a second."""
        self._behind = False
        """Meanwhile another packet was selected."""

    def compose(self) -> ComposeResult:
        """The list with its filter, the message, the keys."""
        with keep_lines(Container(id="panes")):
            yield PacketList(self.reader, self.zone, self._total)
            yield keep_lines(MessagePane(id="message"))
        yield FilterBar()
        yield FindBar()
        yield ActionBar()

    def on_mount(self) -> None:
        """Show the packets, from the one that is asked for."""
        packets = self.packets
        packets.marked = marked_rows(self.session)
        packets.rows_changed()
        if self._select is not None:
            packets.go_to(self._select.row)
            packets.call_after_refresh(packets.centre)
        packets.focus()
        if self._expression:
            replace_worker(self, "filter", self.apply, parse_filter(self._expression, self.zone))
        self.title_list()
        self.show_message()
        if self.session.feed is not None:
            self.set_interval(self._tick, self.look)

    @property
    def packets(self) -> PacketList:
        """The list."""
        return self.query_one(PacketList)

    @property
    def selected_packet(self) -> tuple[Sighting, Flow | None, Step | None] | None:
        """The packet under the cursor."""
        sighting = self.packets.selected
        if sighting is None:
            return None
        cast = self.reader.cast(sighting.row)
        return sighting, None if cast is None else cast.flow, None

    @property
    def marked_packets(self) -> tuple[Sighting, ...]:
        """Those marked in the list."""
        return tuple(self.reader.sighting(row) for row in self.packets.marked)

    def visit(self, sighting: Sighting) -> None:
        """Select another packet."""
        if not self.packets.go_to(sighting.row):
            self.notify(f"Packet #{sighting.frame} does not pass the filter.", markup=False)

    def panes(self) -> list[Widget]:
        """The panes that can be reached now, in order."""
        found: list[Widget] = [self.packets, self.query_one(FieldTree), self.query_one(ByteView)]
        return found if self.query_one(MessagePane).display else found[:1]

    def look(self) -> None:
        """Show the packets that came, unless paused."""
        total = len(self.session.table)
        if self.session.paused or total == self._total:
            return
        self._total = total
        self.rows = self.passing()
        self.packets.show(self.rows, total)
        if self.follow:
            self.packets.action_last()
        self.title_list()
        if self.query_one(FilterBar).display:
            self.judge()

    def on_resize(self) -> None:
        """Give each pane its share."""
        self.share_out()

    def on_descendant_focus(self) -> None:
        """The footer speaks for the focused pane."""
        self.share_out()

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """Another packet."""
        if isinstance(event.view, PacketList):
            if self.follow and event.view.cursor != event.view.row_count - 1:
                self.follow = False
                self.title_list()
            if self._resting:
                self._behind = True
            else:
                self._resting = True
                self.run_worker(self._catch_up(), group="message")

    @property
    def caught_up(self) -> bool:
        """Whether the message is that of the selected packet."""
        return not self._resting

    async def _catch_up(self) -> None:
        """Take the packet apart that is selected by now, some times a second: the list goes before."""
        self._behind = True
        while self._behind:
            self._behind = False
            await asyncio.sleep(0)
            self.show_message()
            await asyncio.sleep(REST)
        self._resting = False

    def on_filter_bar_applied(self, event: FilterBar.Applied) -> None:
        """Show what passes the filter; a newer filter ends the work on this one."""
        replace_worker(self, "filter", self.apply, event.wanted)
        if event.done:
            self.packets.focus()
            self.share_out()

    def expressions(self) -> Callable[[Filter], Filter]:
        """What is looked for by an expression is asked of the packets."""
        return self.session.bound

    def find_bar_changed(self) -> None:
        """The panes give the bar its lines, or have them back."""
        self.share_out()

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Enter goes one level deeper."""
        if isinstance(event.view, PacketList):
            self.open_message()

    def on_packet_list_marked(self) -> None:
        """The title says how many are marked; the session keeps them."""
        take_marked_rows(self.session, self.packets.marked)
        self.title_list()

    def show_message(self) -> None:
        """Take the selected packet apart, if the pane is open."""
        pane = self.query_one(MessagePane)
        selected = self.selected_packet if pane.display else None
        if selected is None:
            return
        sighting, flow, step = selected
        try:
            pane.show(view_of(self.session, self.reader, sighting, flow, step))
        except CaptureError as error:
            pane.show(None, str(error))

    def open_message(self) -> None:
        """Show the message and go there."""
        self.detail = True
        self.query_one(MessagePane).display = True
        self.show_message()
        self.query_one(FieldTree).focus()
        self.share_out()

    def title_list(self) -> None:
        """Say what the list shows."""
        session, packets = self.session, self.packets
        undecodable = sum(file.undecodable for file in session.files)
        state = ""
        if session.feed is not None:
            state = "■ ended" if session.trouble else "‖ paused" if session.paused else "● live"
            state = f"{state} {session.feed.name}, {counted(session.feed.dropped, 'packet')} dropped"
        shown = counted(self._total, "packet")
        if self.rows is not None:
            shown = f"{grouped(len(self.rows))} of {shown} pass / {self.filter.text}"
        packets.title = terms.joined(
            (
                "packets",
                state,
                shown,
                f"{grouped(undecodable)} undecodable" if undecodable else "",
                f"{len(packets.marked)} marked" if packets.marked else "",
                "" if packets.time_mode is PacketTime.START else f"time: {packets.time_mode.value}",
                "following" if self.follow else "",
            )
        )

    def share_out(self) -> None:
        """Give list and message their places and sizes."""
        bars = self.query_one(FilterBar).lines + self.query_one(FindBar).lines
        plan = arrange_packets(
            self.size.width,
            self.size.height - 1 - bars,
            focused=self.focused.id if self.focused is not None else None,
            detail=self.detail,
            maximised=self.maximised,
            share=PART if self.part is None else self.part,
        )
        if plan != self._applied:
            self._applied = plan
            self._apply(plan)
        self.query_one(ActionBar).show(self._actions())

    def _apply(self, plan: PacketArrangement) -> None:
        pane = self.query_one(MessagePane)
        self.set_class(plan.beside, "beside")
        self.packets.display = plan.list
        opened = plan.message and not pane.display
        pane.display = plan.message
        pane.styles.width = plan.size if plan.beside and plan.list else "1fr"
        pane.styles.height = "1fr" if plan.beside or not plan.list else plan.size
        if opened:
            self.show_message()

    def _actions(self) -> list[Action]:
        focused = self.focused.id if self.focused is not None else None
        if focused == "expression":
            return list(actions_in(Context.FILTER))
        if focused == "sought":
            return list(actions_in(Context.FINDING))
        here = {"fields": Context.FIELDS, "bytes": Context.BYTES}.get(focused or "", Context.PACKETS)
        return list(actions_in(here, Context.PACKET_SCREEN, Context.FIND, Context.EVERYWHERE))
