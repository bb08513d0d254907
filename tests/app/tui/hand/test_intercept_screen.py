"""The intercept screen: what it shows of held messages, and what its keys do with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from app.intercept_status import Countdown
from app.tui.app import PeepholeApp
from app.tui.hand.intercept_screen import InterceptScreen
from protocol.editing.fields import fields_of, with_field
from tests.app.flows_by_hand import STORY
from tests.app.hand_interception import OPENER, Posing, held_message
from tests.app.hand_node import SilentFeed, Still
from tests.app.tui.stage import SIZES, main_of, opened, staged, text_on

NEVER = 3600.0


@asynccontextmanager
async def intercepting(posing: Posing, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Pilot[int]]:
    app = PeepholeApp(lambda _: STORY, feed=SilentFeed("node"), node=Still(interception=posing), tick=NEVER)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await pilot.press("I")
        await settled(pilot)
        yield pilot


async def settled(pilot: Pilot[int]) -> None:
    await pilot.pause()
    await pilot.app.workers.wait_for_complete()
    if isinstance(pilot.app.screen, InterceptScreen):
        pilot.app.screen.look()
    await pilot.pause()


async def press(pilot: Pilot[int], *keys: str) -> str:
    await pilot.press(*keys)
    await settled(pilot)
    return text_on(pilot)


async def write(pilot: Pilot[int], text: str) -> None:
    """Type a text, all at once."""
    entry = pilot.app.screen.query_one("#expression", Input)
    entry.value = text
    entry.cursor_position = len(text)
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_a_held_message_at_every_size(size: tuple[int, int]) -> None:
    again = Countdown("the client sends it again (2 of 4)", 0.8, estimated=True)
    posing = Posing([held_message(12, countdowns=(again,))], expression="command == PEER_HOLEPUNCH", on=True)
    async with intercepting(posing, size) as pilot:
        shown = text_on(pilot)
        for words in ("● on", "command == PEER_HOLEPUNCH", "1 held", "12", "3.2 s", "192.0.2.9:40112"):
            assert words in shown, words
        assert "HOLEPUNCH FROM_CLIENT" in shown
        assert "◷ ~0.8 s" in shown
        assert "the client sends it again (2 of 4)" in shown
        assert "received, not yet seen by this node" in shown
        assert "i what to hold" in shown
        assert "? help" in shown


async def test_repeats_and_requests_that_were_given_up_say_so() -> None:
    over = Countdown("the client gives this request up", -0.5, final=True)
    wait = Countdown("the server gives up waiting", 5.0)
    one = held_message(12, age=4.5, countdowns=(over, wait))
    posing = Posing([one, replace(one, number=13, age=3.5)])
    async with intercepting(posing) as pilot:
        first, second = (line for line in text_on(pilot).splitlines() if "◷ given up" in line)
        assert "↻" not in first
        assert "↻ #12 again" in second
        assert "0.5 s ago  the client gives this request up" in text_on(pilot)


async def test_an_edited_message_is_shown_beside_the_original() -> None:
    one = held_message(12)
    now = with_field(one.draft, "firewall", "RANDOM", OPENER)
    posing = Posing([replace(one, now=replace(one.now, data=now.data))])
    async with intercepting(posing) as pilot:
        shown = text_on(pilot)
        assert "✎" in shown
        assert "original" in shown
        assert "edited" in shown
        line = next(line for line in shown.splitlines() if "≠" in line and "firewall" in line)
        assert "CONSISTENT" in line
        assert "RANDOM" in line


async def test_a_field_is_flipped_in_the_form_sent_on_and_told() -> None:
    posing = Posing([held_message(12)], expression="command == PEER_HOLEPUNCH", on=True)
    async with intercepting(posing) as pilot:
        await pilot.press("e")
        await pilot.pause()
        shown = text_on(pilot)
        assert "#12 HOLEPUNCH FROM_CLIENT" in shown
        names = [field.name for field in fields_of(posing.messages[0].draft, OPENER)]
        await pilot.press(*["down"] * names.index("firewall"))
        assert "UNKNOWN · OPEN · CONSISTENT · RANDOM" in text_on(pilot)
        await pilot.press("right", "ctrl+j")
        shown = await press(pilot)
        assert "✓ #12 is edited" in shown
        assert posing.messages[0].edited
        shown = await press(pilot, "a")
        assert "✓ #12 went on, edited: HOLEPUNCH FROM_CLIENT · round 0 RANDOM" in shown
        assert not posing.messages
        assert [one.fate for one in posing.touched] == ["edited"]
        assert "nothing is held" in shown


async def test_what_was_changed_is_taken_back_step_by_step_or_at_once() -> None:
    one = held_message(12)
    posing = Posing([one])
    async with intercepting(posing) as pilot:
        for text in (":1", ":2"):
            await pilot.press("t")
            await pilot.pause()
            assert "host:port; :port keeps the host, host: the port." in text_on(pilot)
            pilot.app.screen.query_one(Input).value = text
            await press(pilot, "enter")
        assert posing.messages[0].now.source.port == 2
        await press(pilot, "u")
        assert posing.messages[0].now.source.port == 1
        await press(pilot, "u")
        assert posing.messages[0] == one
        assert "✗ nothing to take back" in await press(pilot, "u")
        await pilot.press("t")
        await pilot.pause()
        pilot.app.screen.query_one(Input).value = ":3"
        await press(pilot, "enter")
        assert "✓ #12 is as it came" in await press(pilot, "V")
        assert posing.messages[0] == one
        assert "✗ #12 is as it came" in await press(pilot, "V")


async def test_what_can_not_be_is_said_in_place() -> None:
    posing = Posing([held_message(12)])
    async with intercepting(posing) as pilot:
        await pilot.press("t")
        await pilot.pause()
        pilot.app.screen.query_one(Input).value = "nowhere"
        assert "✗ #12: destination:" in await press(pilot, "enter")
        await pilot.press("d")
        await pilot.pause()
        pilot.app.screen.query_one(Input).value = "soon"
        assert "✗ 'soon' is no number of seconds" in await press(pilot, "enter")
        posing.messages.clear()
        await pilot.press("a")
        assert "✗ #12 is not held any more" in await press(pilot)


async def test_messages_are_put_in_another_order_copied_delayed_and_all_sent() -> None:
    posing = Posing([held_message(number) for number in (1, 2, 3)])
    async with intercepting(posing) as pilot:
        await press(pilot, "J")
        assert [one.number for one in posing.messages] == [2, 1, 3]
        await press(pilot, "J")
        assert [one.number for one in posing.messages] == [2, 3, 1]
        assert "✗ it is the last one" in await press(pilot, "J")
        await press(pilot, "K", "K")
        assert [one.number for one in posing.messages] == [1, 2, 3]
        assert "✗ it is the first one" in await press(pilot, "K")
        assert "✓ a copy of #1 went on" in await press(pilot, "D")
        await pilot.press("d")
        await pilot.pause()
        await press(pilot, "enter")
        assert posing.asked == ["delay 1 1.0"]
        assert "✓ 3 messages went on" in await press(pilot, "A")
        assert not posing.messages


async def test_what_was_lost_or_sent_goes_once_more() -> None:
    posing = Posing([held_message(1), held_message(2)])
    async with intercepting(posing) as pilot:
        assert "✓ #1 is lost" in await press(pilot, "X")
        await press(pilot, "a")
        shown = await press(pilot)
        assert "✕" in shown
        assert "dropped" in shown
        await press(pilot, "r")
        assert posing.asked == ["replay 2"]
        assert "✗ that one is not held any more" in await press(pilot, "a")
        await press(pilot, "j")
        assert "✓ #1 went after all" in await press(pilot, "u")
        assert posing.asked == ["replay 2", "replay 1"]


async def test_the_expression_holds_from_enter_on_and_escape_changes_nothing() -> None:
    posing = Posing()
    async with intercepting(posing) as pilot:
        assert "nothing is held" in text_on(pilot)
        await pilot.press("i")
        await write(pilot, "mode ==")
        shown = text_on(pilot)
        assert "FROM_CLIENT" in shown, "completion"
        assert "✗" in shown
        await write(pilot, "verdict == punched")
        assert "✗ verdict is known of an attempt" in text_on(pilot)
        await pilot.press("enter")
        assert "✗ verdict is known of an attempt" in text_on(pilot), "it is not taken"
        await write(pilot, "mode == FROM_CLIENT")
        assert "✓ Enter: hold every message that passes this" in text_on(pilot)
        assert not posing.expression
        shown = await press(pilot, "enter")
        assert (posing.expression, posing.on) == ("mode == FROM_CLIENT", True)
        assert "✓ holding what passes: mode == FROM_CLIENT" in shown
        await pilot.press("i")
        await write(pilot, "mode == FROM_CLIENT or round == 1")
        await press(pilot, "escape")
        assert posing.expression == "mode == FROM_CLIENT"
        assert "○ off" in await press(pilot, "I")
        assert "● on" in await press(pilot, "I")


async def test_bytes_are_changed_as_hex_and_judged_meanwhile() -> None:
    posing = Posing([held_message(12)])
    async with intercepting(posing) as pilot:
        await pilot.press("b")
        await pilot.pause()
        assert "✓ 105 bytes: HOLEPUNCH FROM_CLIENT" in text_on(pilot)
        await pilot.press("z")
        await pilot.pause()
        assert "✗ line 1: 'z' is no hex digit" in text_on(pilot)
        await pilot.press("f2")
        await pilot.pause()
        await pilot.press("backspace", "delete", "delete", *"ff")
        await pilot.pause()
        await press(pilot, "f2")
        assert posing.messages[0].now.data[0] == 0xFF
        assert posing.messages[0].now.data[1:] == posing.messages[0].was.data[1:]


async def test_presets_become_rules_that_can_be_switched_and_removed() -> None:
    posing = Posing([held_message(12)])
    async with intercepting(posing) as pilot:
        await pilot.press("p")
        await pilot.pause()
        assert "lost-reply" in text_on(pilot)
        shown = await press(pilot, "enter")
        assert "rules · 1 of 1 on" in shown
        assert "[x] flipped-firewall" in shown
        await pilot.press("tab", "tab")
        assert "[ ] flipped-firewall" in await press(pilot, "space")
        assert not posing.rules[0].on
        await press(pilot, "x")
        assert not posing.rules


@pytest.mark.parametrize(("keys", "left", "held"), [(("enter",), 0, 0), (("j", "enter"), 0, 1), (("escape",), None, 1)])
async def test_leaving_with_held_messages_asks_first(keys: tuple[str, ...], left: int | None, held: int) -> None:
    posing = Posing([held_message(12)])
    async with intercepting(posing) as pilot:
        await pilot.press("Q")
        await pilot.pause()
        assert "1 message is held on its way" in text_on(pilot)
        await pilot.press(*keys)
        await pilot.pause()
        await pilot.app.workers.wait_for_complete()
        assert pilot.app.return_value == left
        assert len(posing.messages) == held


async def test_the_main_screen_says_how_many_are_held() -> None:
    posing = Posing([held_message(1), held_message(2)])
    async with intercepting(posing, (80, 24)) as pilot:
        await pilot.press("escape")
        await pilot.pause()
        main_of(pilot).show_status()
        await pilot.pause()
        assert "‖ 2 held: I shows them" in text_on(pilot)


async def test_where_nothing_can_be_held_it_says_why() -> None:
    async with staged() as pilot:
        shown = await press(pilot, "I")
        assert "These packets are in a file" in shown
        assert "✗ There is nothing here that can be held." in await press(pilot, "i")
        await press(pilot, "escape")
        assert main_of(pilot)


async def test_a_click_selects_and_a_second_one_goes_to_the_fields() -> None:
    posing = Posing([held_message(1), held_message(2)])
    async with intercepting(posing) as pilot:
        await pilot.click("#held", offset=(10, 3))
        await pilot.pause()
        assert "── #2" in text_on(pilot)
        await pilot.click("#held", offset=(10, 3), times=2)
        await pilot.pause()
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "held-message"


async def test_fields_are_changed_as_text_in_the_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    written = iter(["firewall = MAYBE", "firewall = RANDOM\nround = 2", "# nothing"])
    seen: list[str] = []

    async def edit(_app: object, _command: object, name: str, text: str) -> str:
        seen.append(f"{name}: {text}")
        return next(written)

    monkeypatch.setattr("app.tui.outside.edit_outside", edit)
    posing = Posing([held_message(12)])
    async with intercepting(posing) as pilot:
        shown = await press(pilot, "E")
        assert "firewall = CONSISTENT" in seen[0]
        assert "# word: UNKNOWN, OPEN, CONSISTENT, RANDOM" in seen[0]
        assert "MAYBE" in shown, "what is wrong, and whether to edit again"
        shown = await press(pilot, "enter")
        assert seen[1].startswith("message-12: # ✗ firewall: ")
        assert "✓ #12 is edited" in shown
        fields = {field.name: field.text for field in fields_of(posing.messages[0].draft, OPENER)}
        assert (fields["firewall"], fields["round"]) == ("RANDOM", "2")
        assert "✓ #12 stays as it is" in await press(pilot, "E")


async def test_while_addresses_are_hidden_none_is_shown_and_nothing_is_edited() -> None:
    posing = Posing([held_message(12)], expression="src == 192.0.2.9", on=True)
    async with intercepting(posing) as pilot:
        await pilot.press("escape", "H")
        await pilot.pause()
        shown = await press(pilot, "I")
        assert "192.0.2.9" not in shown
        assert "198.51.100.7" not in shown
        assert "HOLEPUNCH FROM_CLIENT" in shown
        for key in ("e", "b", "E", "t", "i", "V"):
            assert "✗ addresses and keys are hidden" in await press(pilot, key), key
        await press(pilot, "I", "I")
        assert (posing.expression, posing.on) == ("src == 192.0.2.9", True)
        assert "✓ #12 went on" in await press(pilot, "a")
