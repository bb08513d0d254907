"""The packet list: every packet, its message, and the ways between them."""

import pytest

from app.tui.message_pane import FieldTree, MessagePane
from app.tui.packet_screen import PacketScreen
from capture.filter import parse_filter
from capture.model import Sighting
from tests.app.tui.packet_stage import FIRST_HOLEPUNCH, a_story, caught_up, list_of, screen_of, settled
from tests.app.tui.stage import SIZES, ladder_of, main_of, staged, text_on


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
