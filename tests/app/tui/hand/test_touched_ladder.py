"""What our node did to packets, in the ladder of their attempt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.attempt_files import attempt_content, ladder_content
from app.draw.touched import MOST, Packet, touch_rows, touch_sign
from capture.story import Story
from capture.touches import Touch, Touches
from protocol.editing.fields import with_field
from protocol.editing.values import Opener
from protocol.intercept.values import Fate
from protocol.messages import Address
from tests.app.flows_by_hand import BOTH_RANDOM
from tests.app.hand_interception import Posing, held_message
from tests.app.hand_node import STATUS, Still
from tests.app.tui.packet_stage import FIRST_HOLEPUNCH, a_story
from tests.app.tui.stage import main_of, staged, text_on
from tests.app.tui.test_node import see, still

REMOTE = Address("192.0.2.9", 40112)


def touched_story() -> Story:
    """The first holepunch message was held for three seconds, and its firewall was changed by hand."""
    story = a_story()
    (flow,) = story.flows
    message = next(one for one in flow.messages if one.sighting.row == FIRST_HOLEPUNCH)
    secret = flow.key.holepunch_secret
    assert secret is not None
    data = story.payload(message.sighting)
    became = with_field(data, "firewall", "OPEN", Opener(secrets=(secret,)))
    file = story.table.files[0]
    file.touches = Touches()
    frame = message.sighting.frame
    file.touches.add(frame, Touch(Fate.HELD, 0, False, message.src))
    file.touches.add(frame, Touch(Fate.EDITED, 3_200_000_000, False, message.src, became=became))
    return story


async def test_the_ladder_says_what_was_done_and_which_field_changed() -> None:
    async with staged(touched_story(), size=(200, 60)) as pilot:
        lines = text_on(pilot).splitlines()
        at, row = next((at, line) for at, line in enumerate(lines) if "edited by hand" in line)
        assert "± held 3.2 s, then edited by hand: firewall CONSISTENT → OPEN" in row
        assert lines[at - 1].lstrip("▶ ").startswith("±"), "the step has the sign, too"


async def test_behind_the_mask_it_says_what_was_done_and_no_values() -> None:
    async with staged(touched_story(), size=(200, 60)) as pilot:
        await pilot.press("H")
        await pilot.pause()
        shown = text_on(pilot)
        assert "± held 3.2 s, then edited by hand" in shown
        assert "→ OPEN" not in shown


async def test_what_is_done_while_no_packet_comes_is_shown_at_the_next_look() -> None:
    story = a_story()
    async with staged(story, size=(200, 60)) as pilot:
        assert "dropped" not in text_on(pilot)
        file = story.table.files[0]
        file.touches = Touches()
        frame = int(story.table.frame[FIRST_HOLEPUNCH])
        file.touches.add(frame, Touch(Fate.DROPPED, 0, False, REMOTE, rule="lost-reply"))
        main_of(pilot).look_at_touches()
        await pilot.pause()
        assert "✕ dropped by rule lost-reply" in text_on(pilot)


async def test_a_held_message_stands_under_its_attempt_where_it_is_held() -> None:
    held = held_message(12, attempt=bytes.fromhex(BOTH_RANDOM.id))
    other = held_message(13, attempt=b"otherone", age=77.0)
    client, server = (lane.addresses[0] for lane in BOTH_RANDOM.lanes[:2])
    version = replace(held.now, source=client, to=server)
    held = replace(held, was=version, now=version)
    node = Still(STATUS, interception=Posing([held, other]))
    async with still(node, (BOTH_RANDOM,)) as pilot:
        await see(pilot)
        row = next(line for line in text_on(pilot).splitlines() if "‖ 3.2 s" in line)
        assert "HOLEPUNCH" in row
        assert "‖┊" in row, "the arrow stops before the lane of our node"
        assert "‖ 1 min" not in text_on(pilot)


def test_each_fate_has_words_and_a_sign() -> None:
    packet = Packet(b"\x03\x00")
    for fate in Fate:
        touch = Touch(fate, 0, True, REMOTE, to=Address("203.0.113.1", 2))
        (row,) = touch_rows((touch,), packet)
        assert row.sent
        assert all(len(text) > 3 for text in row.texts)
        assert touch_sign((touch,)).strip()


def test_words_of_a_file_are_made_safe_and_much_is_cut_short() -> None:
    packet = Packet(b"\x03\x00")
    odd = Touch("\x1b[2J", 0, False, REMOTE, rule="a\x07b")
    (row,) = touch_rows((odd,), packet)
    assert "\x1b" not in "".join(row.texts)
    assert "\\e[2J by rule a\\x07b" in row.texts[0]
    many = [Touch(Fate.DUPLICATED, at, False, REMOTE) for at in range(20)]
    rows = touch_rows(many, packet)
    assert len(rows) == MOST
    assert rows[-1].texts == ("» and 15 more things done to it",)


@pytest.mark.parametrize("form", ["markdown", "mermaid"])
def test_what_was_done_goes_into_what_threads_and_documents_show(form: str) -> None:
    story = touched_story()
    (flow,) = story.flows
    written = attempt_content(form, flow, story).decode()
    [line] = [line for line in written.splitlines() if "CONSISTENT → OPEN" in line]
    assert "edited" in line
    assert form == "markdown" or line.strip().startswith("note over ")


def test_what_was_done_goes_into_texts_and_pictures() -> None:
    story = touched_story()
    (flow,) = story.flows
    for form in ("text", "svg"):
        written = ladder_content(form, flow, story, width=200).decode()
        assert "held 3.2 s, then edited by hand: firewall CONSISTENT → OPEN" in written


async def test_the_message_pane_says_it_too() -> None:
    async with staged(touched_story(), size=(200, 60)) as pilot:
        ladder = main_of(pilot).ladder
        (flow,) = main_of(pilot).session.flows
        sighting = next(one.sighting for one in flow.messages if one.sighting.row == FIRST_HOLEPUNCH)
        assert ladder.go_to(sighting)
        await pilot.pause()
        assert "done  ± held 3.2 s, then edited by hand" in text_on(pilot)
