"""What the keys do to the selected message, on the main screen and in the packet list alike."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, cast

from app.draw.difference import difference_page, hops_page
from app.draw.message import MessageView
from app.draw.message_text import message_text
from app.tui.linked_view import Content
from app.tui.message_pane import FieldTree
from app.tui.message_source import counterpart, hops_of, view_of
from app.tui.packet_facts import PacketReader
from app.tui.pages import PageScreen
from app.tui.raw_page import RawScreen
from app.tui.texts import Text
from app.wording import counted
from capture.errors import CaptureError
from capture.model import Flow, Sighting, Step

if TYPE_CHECKING:
    from textual.screen import Screen

    from app.tui.session import Session

SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.75)
"""Parts of the room that a message may take."""


class MessageActions:
    """A screen that shows messages of a session; the classes that inherit say which one is selected."""

    session: Session
    _reader: PacketReader | None = None
    share: int | None = None
    """Index into `SHARES`, once the user chose one."""

    @property
    def part(self) -> float | None:
        """The part of the room that the user wants the message to have."""
        return None if self.share is None else SHARES[self.share]

    @property
    def reader(self) -> PacketReader:
        """Reads packets around the selected one."""
        if self._reader is None or self._reader.generation != self.session.generation:
            self._reader = PacketReader(self.session)
        return self._reader

    @property
    @abstractmethod
    def selected_packet(self) -> tuple[Sighting, Flow | None, Step | None] | None:
        """The selected datagram, the attempt that it is of and the step that shows it."""

    @property
    @abstractmethod
    def marked_packets(self) -> tuple[Sighting, ...]:
        """Packets that are marked, in the order in which they were."""

    @abstractmethod
    def visit(self, sighting: Sighting) -> None:
        """Show another datagram, with the keyboard where it is."""

    @abstractmethod
    def share_out(self) -> None:
        """Give every pane its place and size."""

    @property
    def _here(self) -> Screen[Any]:
        return cast("Screen[Any]", self)

    def on_field_tree_led(self, event: FieldTree.Led) -> None:
        """Go where a line about the message leads."""
        event.stop()
        self.visit(event.sighting)

    def action_counterpart(self) -> None:
        """From a request to its answer, and back."""
        selected = self.selected_packet
        if selected is None:
            return
        sighting, flow, _ = selected
        found = counterpart(self.session, self.reader, sighting, flow)
        if found is None:
            self._here.notify(f"Nothing in this capture answers or relays #{sighting.frame}.", markup=False)
        else:
            self.visit(found)

    def action_difference(self) -> None:
        """Compare the two marked packets; with none marked, what each hop changed in the selected one."""
        marked = self.marked_packets
        if len(marked) == 2:
            self.compare(*marked)
        elif marked:
            self._here.notify(f"{counted(len(marked), 'packet')} marked: two are compared.", markup=False)
        else:
            self._hops()

    def compare(self, first: Sighting, second: Sighting) -> None:
        """Show two packets side by side."""
        left, right = self._taken_apart(first), self._taken_apart(second)
        if left is not None and right is not None:
            self._show(f"#{first.frame} and #{second.frame}", lambda width: difference_page(left, right, width))

    def action_raw(self) -> None:
        """The bytes of the selected message alone."""
        selected = self.selected_packet
        view = None if selected is None else self._taken_apart(selected[0])
        if view is not None:
            self._here.app.push_screen(RawScreen(view))

    def text_here(self) -> Text | None:
        """The selected message, for another program."""
        focused = self._here.focused
        if focused is None or focused.id not in {"fields", "bytes", "packets"}:
            return None
        selected = self.selected_packet
        view = None if selected is None else self._taken_apart(selected[0])
        return None if view is None else Text(view.title, message_text(view))

    def _hops(self) -> None:
        selected = self.selected_packet
        if selected is None:
            return
        sighting, flow, _ = selected
        try:
            hops = hops_of(self.session, self.reader, sighting, flow)
        except CaptureError as error:
            self._here.notify(str(error), markup=False)
            return
        if len(hops) < 2:
            self._here.notify(f"#{sighting.frame} was seen once, and was not relayed.", markup=False)
        else:
            self._show(f"hop by hop · {hops[0].view.title}", lambda width: hops_page(hops, width))

    def _taken_apart(self, sighting: Sighting) -> MessageView | None:
        """A packet taken apart; None, with the reason shown, if its bytes are gone."""
        cast = self.reader.cast(sighting.row) if sighting.row < len(self.session.table) else None
        flow = cast.flow if cast is not None else None
        selected = self.selected_packet
        if flow is None and selected is not None:
            flow = selected[1]
        try:
            return view_of(self.session, self.reader, sighting, flow)
        except CaptureError as error:
            self._here.notify(str(error), markup=False)
            return None

    def _show(self, title: str, content: Content) -> None:
        def closed(sighting: Sighting | None) -> None:
            if sighting is not None:
                self.visit(sighting)

        self._here.app.push_screen(PageScreen(title, content), closed)

    def action_larger(self) -> None:
        """More room for the message."""
        self._share(1)

    def action_smaller(self) -> None:
        """Less room for the message."""
        self._share(-1)

    def _share(self, by: int) -> None:
        now = SHARES.index(0.4) if self.share is None else self.share
        self.share = min(max(0, now + by), len(SHARES) - 1)
        self.share_out()
