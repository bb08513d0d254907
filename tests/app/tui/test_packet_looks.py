"""Pictures of the packet list and of what is shown of packets; see `test_snapshots` for the rules."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot

from app.tui.themes import DARK, LIGHT
from tests.app.tui.packet_stage import a_story
from tests.app.tui.stage import inspector, opened

Compare = Callable[..., bool]

LOOKS = {
    "small": (DARK, (80, 24), ("P", "g")),
    "medium": (DARK, (120, 40), ("P", "g", *"jjjjjj")),
    "large": (LIGHT, (200, 60), ("P", "g", "space", "j", "j")),
    "difference": (DARK, (120, 40), ("P", "g", "j", "j", "space", "space", "equals_sign")),
    "hops": (DARK, (100, 40), ("P", "g", "j", "j", "equals_sign")),
    "raw": (DARK, (80, 24), ("P", "g", "r", "5")),
}


@pytest.mark.parametrize("name", LOOKS)
def test_packets_look_as_agreed(name: str, snap_compare: Compare) -> None:
    theme, size, keys = LOOKS[name]

    async def act(pilot: Pilot[int]) -> None:
        await opened(pilot)
        await pilot.press(*keys)
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()

    assert snap_compare(inspector(a_story(), theme=theme), terminal_size=size, run_before=act)
