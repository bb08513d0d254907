"""The packet list: every packet, its message, and the ways between them."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from app.draw.packets import PacketTime
from app.tui.message_pane import FieldTree, MessagePane
from app.tui.packet_export import Offer, write_offer
from app.tui.packet_list import PacketList
from app.tui.packet_screen import PacketScreen
from app.tui.pages import PageScreen
from app.tui.raw_page import RawScreen
from capture.filter import parse_filter
from capture.model import Sighting
from capture.story import Story
from capture.table import PacketTable
from protocol.sealed_values import decode_holepunch_payload
from tests.app.tui.stage import SIZES, ladder_of, main_of, staged, text_on
from tests.capture.story_builder import CLIENT, called
from tests.capture.wire_builder import NODE, Wire

FIRST_HOLEPUNCH = 6
"""Row of the first PEER_HOLEPUNCH message: a search and a handshake come before it."""


def a_wire() -> Wire:
    wire, call = called()
    call.probe()
    call.agree()
    call.punch(low=True)
    call.punch(by_client=False)
    call.stream()
    wire.ping(CLIENT, NODE)
    wire.send(CLIENT, NODE, b"\x03\x00")
    wire.send(CLIENT, NODE, b"GET \x1b[2J / HTTP/1.1")
    return wire


def a_story() -> Story:
    return a_wire().story()


def screen_of(pilot: Pilot[int]) -> PacketScreen:
    screen = pilot.app.screen_stack[-1]
    assert isinstance(screen, PacketScreen)
    return screen


def list_of(pilot: Pilot[int]) -> PacketList:
    return screen_of(pilot).packets


async def caught_up(pilot: Pilot[int]) -> None:
    """Wait until the message is that of the selected packet."""
    await pilot.pause()
    while not screen_of(pilot).caught_up:
        await pilot.pause(0.01)
    await pilot.pause()


async def settled(pilot: Pilot[int]) -> None:
    """Wait until the attempts of the packets on screen are found."""
    await pilot.pause()
    while list_of(pilot).reader.waiting:
        await pilot.pause(0.01)
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_every_packet_has_a_line_and_what_it_says(size: tuple[int, int]) -> None:
    story = a_story()
    async with staged(story, size) as pilot:
        await pilot.press("P", "g")
        await settled(pilot)
        packets = list_of(pilot)
        assert packets.row_count == len(story.table)
        text = text_on(pilot)
        assert f"{len(story.table)} packets" in text
        assert "HANDSHAKE FROM_CLIENT" in text
        facts = [packets.reader.facts(row) for row in range(packets.row_count)]
    assert any("round 1 punching CONSISTENT" in one.summary for one in facts)
    assert [one.protocol for one in facts].count("UDX") == 3
    assert any(one.summary.startswith("opener") for one in facts)
    (malformed,) = (one for one in facts if one.protocol == "request" and one.trouble)
    assert "at byte" in malformed.trouble
    assert facts[-1].protocol == "other"
    assert "\x1b" not in facts[-1].summary
    roles = {str(role) for one in facts for role in (one.source_role, one.destination_role) if role is not None}
    assert {"client", "server", "node"} < roles


async def test_it_opens_at_the_packet_of_the_step_and_leads_back_to_its_ladder() -> None:
    async with staged(a_story()) as pilot:
        await pilot.press("enter", "G")
        selected = ladder_of(pilot).selected
        assert selected is not None
        assert selected[1] is not None
        await pilot.press("P")
        await pilot.pause()
        assert list_of(pilot).selected == selected[1]
        await pilot.press("g")
        first = list_of(pilot).selected
        await pilot.press("L")
        await pilot.pause()
        await pilot.pause()
        ladder = ladder_of(pilot)
        assert ladder.has_focus
        assert ladder.selected is not None
        step = ladder.selected[0]
        assert first in (step.sighting, *step.members)


async def test_what_is_no_step_of_the_ladder_is_shown_in_the_list() -> None:
    story = a_story()
    last = Sighting(0, len(story.table), len(story.table) - 1)
    async with staged(story) as pilot:
        main_of(pilot).go_to(last)
        await pilot.pause()
        assert list_of(pilot).selected == last


async def test_a_packet_of_no_attempt_has_no_ladder_to_go_to() -> None:
    async with staged(a_story()) as pilot:
        await pilot.press("P", "G", "L")
        await pilot.pause()
        assert isinstance(pilot.app.screen, PacketScreen)


async def test_enter_goes_to_the_fields_and_escape_back_step_by_step() -> None:
    async with staged(a_story(), (80, 24)) as pilot:
        await pilot.press("P")
        await pilot.pause()
        assert not screen_of(pilot).query_one(MessagePane).display
        await pilot.press("enter")
        await pilot.pause()
        assert screen_of(pilot).query_one(FieldTree).has_focus
        assert not list_of(pilot).display
        await pilot.press("escape")
        await pilot.pause()
        assert list_of(pilot).has_focus
        await pilot.press("escape")
        await pilot.pause()
        assert main_of(pilot) is pilot.app.screen


async def test_the_message_follows_the_selection() -> None:
    async with staged(a_story()) as pilot:
        await pilot.press("P", "g")
        await caught_up(pilot)
        tree = screen_of(pilot).query_one(FieldTree)
        before = tree.title
        await pilot.press("j")
        await caught_up(pilot)
        assert tree.title != before
        assert tree.title.endswith("#2")


async def test_request_and_answer_lead_to_each_other_by_key_and_by_line() -> None:
    async with staged(a_story()) as pilot:
        await pilot.press("P", "g")
        await caught_up(pilot)
        packets = list_of(pilot)
        assert "answered by #2 after 10.0 ms" in text_on(pilot)
        await pilot.press("comma")
        await caught_up(pilot)
        assert packets.cursor == 1
        assert "answers #1, 10.0 ms later" in text_on(pilot)
        await pilot.press("enter")
        tree = screen_of(pilot).query_one(FieldTree)
        while tree.view is None or tree.view.facts[tree.cursor : tree.cursor + 1][0:1] == () or tree.selected:
            before = tree.cursor
            await pilot.press("k")
            if tree.cursor == before:
                break
        assert tree.selected is None, "on a line that leads somewhere"
        await pilot.press("enter")
        await pilot.pause()
        assert packets.cursor == 0


async def test_two_marked_packets_are_compared_and_one_alone_is_not() -> None:
    async with staged(a_story(), (120, 50)) as pilot:
        await pilot.press("P", "g", "space", "equals_sign")
        await pilot.pause()
        assert isinstance(pilot.app.screen, PacketScreen)
        await pilot.press("j", "space")
        assert list_of(pilot).marked == (0, 2)
        await pilot.press("equals_sign")
        await pilot.pause()
        text = text_on(pilot)
        assert "#1 and #3" in text
        assert "differ" in text
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(pilot.app.screen, PacketScreen)


async def test_with_nothing_marked_the_hops_are_shown_and_lead_to_their_packets() -> None:
    async with staged(a_story(), (120, 50)) as pilot:
        await pilot.press("P", "g", "j", "j", "equals_sign")
        await pilot.pause()
        assert isinstance(pilot.app.screen, PageScreen)
        text = text_on(pilot)
        assert text.index("FROM_CLIENT") < text.index("FROM_RELAY") < text.index("FROM_SERVER") < text.index("REPLY")
        await pilot.press("j", "enter")
        await pilot.pause()
        assert list_of(pilot).cursor == 3
        await pilot.press("g", "equals_sign")
        await pilot.pause()
        assert isinstance(pilot.app.screen, PacketScreen), "a search is not relayed"


async def test_raw_bytes_in_each_form_of_both_parts() -> None:
    async with staged(a_story()) as pilot:
        await pilot.press("P")
        await pilot.pause()
        packets = list_of(pilot)
        packets.cursor = FIRST_HOLEPUNCH
        await pilot.press("r")
        await pilot.pause()
        screen = pilot.app.screen
        assert isinstance(screen, RawScreen)
        assert screen.shown == packets.reader.table.payload(FIRST_HOLEPUNCH)
        for number, word in enumerate(("0000", "03", "\\x", "A", 'b"', "static const"), 1):
            await pilot.press(str(number))
            await pilot.pause()
            assert word in text_on(pilot)
        await pilot.press("y")
        assert pilot.app.clipboard.startswith("static const unsigned char data[")
        await pilot.press("tab", "y")
        assert pilot.app.clipboard.startswith("0000")
        await pilot.press("space")
        await pilot.pause()
        assert "plaintext" in text_on(pilot)
        assert decode_holepunch_payload(screen.shown).round == 0
        await pilot.press("r")
        await pilot.pause()
        assert isinstance(pilot.app.screen, PacketScreen)


async def test_time_counts_from_the_start_the_clock_the_packet_above_or_a_mark() -> None:
    async with staged(a_story()) as pilot:
        await pilot.press("P", "g", "j", "j")
        packets = list_of(pilot)
        said = []
        for _ in range(4):
            said.append("".join(span.text for span in packets.draw_row(2))[9:22].strip())
            await pilot.press("w")
        assert said == ["0.020000", "22:13:20.020", "0.010000", "0.020000"]
        await pilot.press("space", "w", "w")
        assert packets.time_mode is PacketTime.MARK
        assert "-0.020000" in "".join(span.text for span in packets.draw_row(0))


async def test_plus_and_minus_share_the_screen() -> None:
    async with staged(a_story()) as pilot:
        await pilot.press("P")
        await pilot.pause()
        pane = screen_of(pilot).query_one(MessagePane)
        before = pane.size.height
        await pilot.press("plus")
        await pilot.pause()
        assert pane.size.height > before
        await pilot.press("minus", "minus")
        await pilot.pause()
        assert pane.size.height < before
        await pilot.press("escape")
        await pilot.pause()
        main = main_of(pilot)
        attempts = main.query_one("#attempts")
        height = attempts.size.height
        await pilot.press("plus")
        await pilot.pause()
        assert attempts.size.height > height
        await pilot.press("enter")
        message = main.query_one(MessagePane)
        width = message.size.width
        await pilot.press("plus")
        await pilot.pause()
        assert message.size.width > width


async def test_packets_are_written_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    story = a_story()
    async with staged(story) as pilot:
        await pilot.press("P", "g", "space", "space", "f2", "enter")
        await pilot.app.workers.wait_for_complete()
        written = Story.open([str(tmp_path / "peephole-packets.pcapng")]).table
        assert [written.payload(row) for row in range(len(written))] == [story.table.payload(row) for row in (0, 1)]
        session = screen_of(pilot).session
        said = write_offer(session, Offer("all", range(len(story.table)), masked=False), tmp_path)
        masked = write_offer(session, Offer("all", range(len(story.table)), masked=True), tmp_path)
    assert "peephole-packets-2.pcapng" in said
    assert "masked" in masked
    hidden = Story.open([str(tmp_path / "peephole-packets-3.pcapng")])
    assert len(hidden.table) == len(story.table)
    assert hidden.flows[0].verdict.code == story.flows[0].verdict.code
    assert not {hidden.table.source(row).host for row in range(len(hidden.table))} & {CLIENT.host, NODE.host}
    again = Story.open([str(tmp_path / "peephole-packets-2.pcapng")])
    assert len(again.table) == len(story.table)
    assert [flow.id for flow in again.flows] == [flow.id for flow in story.flows]


async def test_a_filter_holds_for_packets_and_what_is_asked_of_attempts_for_all_of_theirs() -> None:
    story = a_story()
    async with staged(story) as pilot:
        await pilot.press("P", "g", "slash")
        await pilot.press(*"command==PEER_HOLEPUNCH")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        packets = list_of(pilot)
        assert packets.row_count == 8
        assert f"8 of {len(story.table)} packets" in text_on(pilot)
        assert packets.row_of(0) == FIRST_HOLEPUNCH
        await pilot.press("enter")
        assert packets.has_focus
        await pilot.press("slash", *" and round==1", "enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert packets.row_count == 4
        screen = screen_of(pilot)
        await screen.apply(parse_filter("verdict != none"))
        assert packets.row_count == len(story.table) - 4, "all but the ping and what is foreign"
        await screen.apply(parse_filter(""))
        assert packets.row_count == len(story.table)


async def test_texts_and_expressions_are_found_from_packet_to_packet() -> None:
    async with staged(a_story()) as pilot:
        await pilot.press("P", "g", "f3")
        await pilot.press(*"opener")
        await pilot.app.workers.wait_for_complete()
        await pilot.press("enter")
        packets = list_of(pilot)
        assert packets.row_of(packets.cursor) is not None
        assert packets.reader.facts(packets.cursor).summary.startswith("opener")
        await pilot.press("f3", *"command==PEER_HANDSHAKE")
        await pilot.app.workers.wait_for_complete()
        await pilot.press("enter")
        first = packets.cursor
        await pilot.press("n")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert 2 <= first < 6
        assert packets.cursor != first
        assert "HANDSHAKE" in packets.reader.facts(packets.cursor).summary


async def test_marks_and_comments_are_those_of_the_session() -> None:
    async with staged(a_story()) as pilot:
        await pilot.press("P", "g", "space", "semicolon", *"look", "enter")
        await pilot.pause()
        session = screen_of(pilot).session
        assert [packet.frame for packet in session.notes.packets] == [1]
        assert list(session.notes.packet_comments.values()) == ["look"]
        assert "; look" in text_on(pilot)
        await pilot.press("escape", "P")
        await pilot.pause()
        assert list_of(pilot).marked == (0,)


async def test_hidden_addresses_are_hidden_here_too() -> None:
    async with staged(a_story()) as pilot:
        await pilot.press("P", "g")
        await settled(pilot)
        assert CLIENT.host in text_on(pilot)
        await pilot.press("H")
        await settled(pilot)
        assert CLIENT.host not in text_on(pilot)
        assert NODE.host not in text_on(pilot)
        await pilot.press("H")
        await settled(pilot)
        assert CLIENT.host in text_on(pilot)


class GrowingFeed:
    """A live source that brings the rows of another table, some at a time."""

    name = "eth0"
    dropped = 0

    def __init__(self, table: PacketTable, source: PacketTable) -> None:
        self._table, self._source = table, source
        self.taken = len(table)

    def poll(self) -> None:
        """Nothing comes by itself."""

    def bring(self, rows: int) -> None:
        some = slice(self.taken, self.taken + rows)
        self._table.append(**{name: self._source.stored(name)[some].copy() for name in self._source.columns})
        self.taken += rows


async def test_a_live_list_grows_follows_and_pauses() -> None:
    whole = a_wire().table()
    table = PacketTable()
    table.files, table.segments = whole.files, whole.segments
    feed = GrowingFeed(table, whole)
    feed.bring(4)
    story = Story(table)
    async with staged(story, feed=feed) as pilot:
        await pilot.press("P", "g")
        await pilot.pause()
        screen, packets = screen_of(pilot), list_of(pilot)
        assert packets.row_count == 4
        feed.bring(3)
        screen.look()
        assert (packets.row_count, packets.cursor) == (7, 0), "the selection stays"
        await pilot.press("A")
        feed.bring(3)
        screen.look()
        assert (packets.row_count, packets.cursor) == (10, 9)
        await pilot.press("p")
        feed.bring(3)
        screen.look()
        assert packets.row_count == 10
        assert "paused" in text_on(pilot)
        await pilot.press("p")
        await pilot.pause()
        assert packets.row_count == 13
        await pilot.press("k")
        await pilot.pause()
        assert not screen.follow, "who goes elsewhere no longer follows"
