"""The form for fields: what is typed is judged, words are turned, and nothing wrong is taken."""

import asyncio
from collections.abc import Awaitable, Callable

from textual.app import App
from textual.pilot import Pilot

from app.tui.hand.form import FormScreen
from protocol.constants import Firewall
from protocol.editing.fields import fields_of, with_fields
from protocol.messages import Address, HolepunchPayload
from protocol.peer.events import Stage
from protocol.peer.steps import Act, HolepunchStep
from tests.app.tui.stage import text_on

RELAY = Address("198.51.100.1", 49737)
TOKEN = bytes(range(32))


class Nobody:
    """Whose steps these are."""

    attempt = b""

    def set_stage(self, stage: Stage) -> None:
        """It gets nowhere."""


STEP = HolepunchStep(
    Act.PROBE, Nobody(), HolepunchPayload(0, Firewall.CONSISTENT, 0), RELAY, RELAY, 3, 0, own_token=TOKEN
)


class FormApp(App[HolepunchStep | None]):
    def on_mount(self) -> None:
        self.push_screen(FormScreen("round 0", STEP, fields_of, with_fields, ["over a relay"]), self.exit)


def filled(
    keys: Callable[[Pilot[HolepunchStep | None]], Awaitable[object]], size: tuple[int, int] = (80, 24)
) -> FormApp:
    async def run() -> FormApp:
        app = FormApp()
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await keys(pilot)
            await pilot.pause()
        return app

    return asyncio.run(run())


def test_every_field_is_shown_with_its_value() -> None:
    async def look(pilot: Pilot[HolepunchStep | None]) -> None:
        shown = text_on(pilot)
        for field in fields_of(STEP):
            assert field.name in shown
        assert "over a relay" in shown
        assert "198.51.100.1:49737" in shown

    filled(look)


def test_words_are_turned_with_the_arrows_and_numbers_typed() -> None:
    app = filled(lambda pilot: pilot.press("down", "right", "down", "backspace", "7", "ctrl+j"))
    assert app.return_value is not None
    assert app.return_value.payload == HolepunchPayload(0, Firewall.RANDOM, 7)


def test_a_token_that_the_step_knows_can_be_issued() -> None:
    async def issue(pilot: Pilot[HolepunchStep | None]) -> None:
        await pilot.press(*["down"] * 7, *["backspace"] * 4, *"issue", "ctrl+j")

    assert filled(issue).return_value.payload.token == TOKEN  # type: ignore[union-attr]


def test_what_is_no_value_is_named_and_not_taken() -> None:
    async def mistype(pilot: Pilot[HolepunchStep | None]) -> None:
        await pilot.press("down", "down", "x", "ctrl+j")
        await pilot.pause()
        assert "is not a number" in text_on(pilot)
        assert isinstance(pilot.app.screen, FormScreen)
        await pilot.press("ctrl+z", "ctrl+j")

    assert filled(mistype).return_value == STEP


def test_escape_changes_nothing() -> None:
    assert filled(lambda pilot: pilot.press("down", "right", "escape")).return_value is None


def test_enter_goes_from_field_to_field_and_after_the_last_takes_all() -> None:
    async def through(pilot: Pilot[HolepunchStep | None]) -> None:
        await pilot.press("enter", "right", *["enter"] * (len(fields_of(STEP)) - 1))

    assert filled(through, (60, 14)).return_value.payload.firewall == Firewall.RANDOM  # type: ignore[union-attr]
