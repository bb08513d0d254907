"""Actions of the pages over the main screen."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.PAGE, "close", "escape,q", "back", "close the page", rank=91),
    action(Context.TURNING, "verdict", "v", "verdict", "turn to the verdict", "turn_to('verdict')", rank=3),
    action(Context.TURNING, "nat", "b", "NAT", "turn to the NAT evidence", "turn_to('nat')", rank=4),
    action(Context.TURNING, "rounds", "R", "rounds", "turn to rounds and tokens", "turn_to('rounds')", rank=5),
    action(Context.LINKS, "open", "enter", "go to packet", "go to the packet that the line speaks of", "choose",
            rank=1),
)  # fmt: skip
