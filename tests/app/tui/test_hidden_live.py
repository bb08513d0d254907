"""Hiding while things grow: attempts that come later are masked too, and so is what our own node says of itself."""

from __future__ import annotations

from pathlib import Path

from app.live_feed import LiveFeed
from app.tui.app import PeepholeApp
from app.tui.hidden_node import HiddenNode
from capture.masking.mask import Mask
from capture.masking.story import MaskedStory
from capture.notes import NO_NOTES, PacketId
from capture.opening import read_capture
from capture.said import names_of, notes_of
from capture.story import Story
from capture.tap import Tap
from protocol.address import Address
from tests.app.flows_by_hand import BOTH_RANDOM, FAST_OPEN, TWO_ROUNDS
from tests.app.hand_node import PAIR, SilentFeed, Still
from tests.app.running import SAMPLE
from tests.app.tui.stage import main_of, opened, text_on
from tests.app.tui.test_live import live, look
from tests.capture.test_tap import Seen


def masking() -> MaskedStory:
    return MaskedStory(Story.open([str(SAMPLE)]), Mask("x"), keep_ids=True)


async def test_attempts_that_come_later_are_masked_too() -> None:
    async with live((FAST_OPEN,), (FAST_OPEN, TWO_ROUNDS), (FAST_OPEN, TWO_ROUNDS, BOTH_RANDOM)) as pilot:
        await look(pilot)
        assert str(FAST_OPEN.client) in text_on(pilot)
        await pilot.press("H")
        await pilot.pause()
        await look(pilot)
        await look(pilot)
        shown = text_on(pilot)
        assert len(main_of(pilot).session.shown) == 3
        for flow in (FAST_OPEN, TWO_ROUNDS, BOTH_RANDOM):
            assert str(flow.client) not in shown
            assert str(flow.server) not in shown
        await pilot.press("H")
        await pilot.pause()
        assert str(BOTH_RANDOM.client) in text_on(pilot)


def test_the_status_of_a_node_is_masked_alike() -> None:
    behind = masking()
    node = Still()
    before, after = HiddenNode(node, lambda: None).status(), HiddenNode(node, lambda: behind.masking).status()
    assert before == node.state
    assert before is not None
    assert after is not None
    mask = behind.masking.mask
    assert after.server == mask.address(before.server) != before.server
    assert after.rows[0].address == mask.address(before.rows[0].address)
    assert after.announcements[0].public_key == mask.key(PAIR.public_key) != PAIR.public_key
    assert after.announcements[0].relays[0].sees_us == mask.address(Address("203.0.113.7", 49737))
    assert after.seen_at == (mask.host("203.0.113.7"), 0)
    assert [one.attempt for one in after.connections] == [one.attempt for one in before.connections]
    assert "203.0.113.7" not in repr(after)
    assert "10.0.0.5" not in repr(after)


async def test_pages_of_our_node_are_masked() -> None:
    node = Still()
    app = PeepholeApp(lambda _: Story(Tap("node").table), feed=SilentFeed(), node=node)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await pilot.press("H", "O")
        await pilot.pause()
        for page in "123456":
            await pilot.press(page)
            await pilot.pause()
            for real in ("203.0.113.7", "198.51.100.1:", "10.0.0.5", PAIR.public_key.hex()[:8]):
                assert real not in text_on(pilot), page


def test_a_live_recording_is_whole_after_every_look(tmp_path: Path) -> None:
    """Packets, notes and names are in the file at once; the end is written last."""
    source = Story.open([str(SAMPLE)]).table
    tap = Tap("node")
    take = tap.add_interface("one")
    out = (tmp_path / "live.peephole").open("wb")
    feed = LiveFeed(tap, record=out)
    sent = 0
    for start in range(0, 60, 20):
        for row in range(start, start + 20):
            ends = source.source(row), source.destination(row)
            take(Seen(int(source.time_ns[row]), True, *ends, int(source.ttl[row]), source.payload(row)))
            sent += 1
        feed.poll()
        feed.take_notes(NO_NOTES.with_comment(PacketId(0, 3), f"after {sent}"), {"10.0.0.1": "me"})
        so_far = read_capture(str(tmp_path / "live.peephole"))
        assert len(so_far) == sent
        assert so_far.payloads(range(sent)) == tap.table.payloads(range(sent))
        assert notes_of(so_far.files).on(PacketId(0, 3)) == f"after {sent}"
        assert any("no end" in note for note in so_far.files[0].notes)
    feed.finish()
    out.close()
    whole = read_capture(str(tmp_path / "live.peephole"))
    assert whole.files[0].notes == []
    assert names_of(whole.files) == {"10.0.0.1": "me"}
    assert whole.files[0].format == tap.file.format
