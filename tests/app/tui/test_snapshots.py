"""Pictures of the screens: a change of looks is seen and agreed to (pytest --snapshot-update), not slipped in.

They hold for the pinned Textual; sizes, time zone and attempts are fixed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from app.tui.themes import ANSI, CONTRAST, DARK, LIGHT, MONO
from tests.app.flows_by_hand import CONSISTENT_RANDOM, story
from tests.app.tui.stage import inspector, opened

Compare = Callable[..., bool]

SCREENS = {
    "small": (DARK, (80, 24), ()),
    "small-message": (DARK, (80, 24), ("2", "enter")),
    "medium": (DARK, (120, 40), ("1",)),
    "medium-light": (LIGHT, (120, 40), ("j",)),
    "large": (DARK, (200, 60), ("2",)),
    "verdict": (DARK, (80, 24), ("v",)),
    "nat": (DARK, (120, 40), ("b",)),
    "rounds": (LIGHT, (120, 40), ("R",)),
    "help": (DARK, (80, 24), ("enter", "question_mark")),
    "filter": (DARK, (80, 24), ("slash", *"verdict == punched an")),
    "settings": (DARK, (80, 24), ("o", "j", "j")),
    "contrast": (CONTRAST, (120, 40), ("enter",)),
    "ansi": (ANSI, (120, 40), ("enter",)),
    "mono": (MONO, (80, 24), ("enter",)),
}


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_looks_as_agreed(name: str, snap_compare: Compare) -> None:
    theme, size, keys = SCREENS[name]

    async def act(pilot: Pilot[int]) -> None:
        await opened(pilot)
        await pilot.press(*keys)
        await pilot.pause()

    assert snap_compare(inspector(theme=theme), terminal_size=size, run_before=act)


def test_a_ladder_with_bursts_looks_as_agreed(snap_compare: Compare) -> None:
    async def act(pilot: Pilot[int]) -> None:
        await opened(pilot)
        await pilot.press("enter", "backslash", "G")
        await pilot.pause()

    assert snap_compare(inspector(story((CONSISTENT_RANDOM,))), terminal_size=(160, 45), run_before=act)
