"""What is done with packets of the list: compared, copied, written, marked, followed."""

from pathlib import Path

import pytest

from app.draw.packets import PacketTime
from app.tui import notes_actions, packet_list_actions
from app.tui.filter_bar import FilterBar
from app.tui.message_pane import MessagePane
from app.tui.packet_export import Offer, write_offer
from app.tui.packet_screen import PacketScreen
from app.tui.pages import PageScreen
from app.tui.raw_page import RawScreen
from capture.filter import expression, parse_filter
from capture.losses import NOTHING_LOST
from capture.story import Story
from capture.table import PacketTable
from protocol.sealed_values import decode_holepunch_payload
from tests.app.tui.packet_stage import FIRST_HOLEPUNCH, a_story, a_wire, list_of, screen_of, settled
from tests.app.tui.stage import main_of, staged, text_on
from tests.capture.story_builder import CLIENT
from tests.capture.wire_builder import NODE


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


async def test_many_packets_are_hidden_beside_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes_actions, "MASKED_AT_ONCE", 0)
    async with staged(a_story()) as pilot:
        await pilot.press("P", "g")
        await settled(pilot)
        await pilot.press("H")
        await pilot.app.workers.wait_for_complete()
        await settled(pilot)
        assert CLIENT.host not in text_on(pilot)
        assert NODE.host not in text_on(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert CLIENT.host not in text_on(pilot)


async def test_a_newer_filter_ends_the_search_of_an_older_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression, "STRETCH", 1)
    async with staged(a_story()) as pilot:
        await pilot.press("P")
        await settled(pilot)
        screen, every = screen_of(pilot), list_of(pilot).row_count
        said: list[str] = []
        monkeypatch.setattr(packet_list_actions, "TELL", 0.0)
        monkeypatch.setattr(FilterBar, "say", lambda _, text: said.append(text))
        for text in ("payload ~ 0x0102", f"addr ~ {CLIENT.host[:-1]}"):
            screen.on_filter_bar_applied(FilterBar.Applied(parse_filter(text), done=False))
        newest = next(one for one in pilot.app.workers if one.group == "filter" and not one.is_cancelled)
        await newest.wait()
        await settled(pilot)
        assert screen.filter.text == text
        assert 0 < list_of(pilot).row_count < every
        assert said[-1] == "looking through the packets: 100 %"


class GrowingFeed:
    """A live source that brings the rows of another table, some at a time."""

    name = "eth0"
    dropped = 0
    losses = NOTHING_LOST
    troubles = ()

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
