"""The filter on the list of attempts."""

from textual.widgets import Input

from app.tui.attempt_list import AttemptList
from tests.app.tui.stage import main_of, staged, text_on


async def test_the_filter_applies_while_typing_and_escape_takes_it_back() -> None:
    async with staged() as pilot:
        main = main_of(pilot)
        await pilot.press("slash", *"verdict == punched")
        await pilot.pause()
        assert [flow.verdict.code for flow in main.session.shown] == ["punched"] * 3
        assert "3 of 6 attempts" in text_on(pilot)
        await pilot.press(*" and verdict ==")
        await pilot.pause()
        assert len(main.session.shown) == 3, "an expression that does not hold changes nothing"
        assert "✗ column" in text_on(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert len(main.session.shown) == 6
        assert main.focused is main.query_one(AttemptList)
        await pilot.press("slash", *"outcome == failed", "enter")
        await pilot.pause()
        assert len(main.session.shown) == 2
        assert not main.query_one(Input).has_focus
        assert "/ outcome == failed (2 of 6)" in text_on(pilot)


async def test_a_filter_that_nothing_passes_says_so_and_can_be_undone() -> None:
    async with staged() as pilot:
        await pilot.press("slash", *"verdict == lan", "enter")
        await pilot.pause()
        assert "No attempt passes the filter: verdict == lan" in text_on(pilot)
        await pilot.press("slash", *["backspace"] * 20, "enter")
        await pilot.pause()
        assert len(main_of(pilot).session.shown) == 6
