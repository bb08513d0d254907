"""Actions of the pages over the main screen."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.PAGE, "close", "escape,q", "back", "close the page", rank=91),
    action(Context.PAGE, "copy", "y", "copy", "copy this page to the clipboard as text", rank=8),
    action(Context.TURNING, "next", "tab", "next page", "turn to the next page", "turn(1)", rank=2),
    action(Context.TURNING, "previous", "shift+tab", "previous page", "turn to the previous page", "turn(-1)"),
    action(Context.TURNING, "page", "1,2,3,4,5", "page", "turn to a page by its number", "attempt_page", rank=9),
    action(Context.TURNING, "verdict", "v", "verdict", "turn to the verdict", "turn_to('verdict')", rank=3),
    action(Context.TURNING, "nat", "b", "NAT", "turn to the NAT evidence", "turn_to('nat')", rank=4),
    action(Context.TURNING, "rounds", "R", "rounds", "turn to the rounds", "turn_to('rounds')", rank=5),
    action(Context.TURNING, "candidates", "C", "candidates", "turn to the candidates", "turn_to('candidates')", rank=6),
    action(Context.TURNING, "tokens", "K", "tokens", "turn to the tokens", "turn_to('tokens')", rank=7),
    action(Context.LINKS, "open", "enter", "go to packet", "go to the packet that the line speaks of", "choose",
            rank=1),
)  # fmt: skip
