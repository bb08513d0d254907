"""Actions of the filter and of find."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.FIND, "find", "f3", "find", "find a text or what passes a filter in the focused list"),
    action(Context.FIND, "find_next", "n", "next match", "go to the next match, round and round"),
    action(Context.FIND, "find_previous", "N", "previous match", "go to the match before"),
    action(Context.FINDING, "keep", "enter", "stay", "stay at the match", rank=1),
    action(Context.FINDING, "next", "down,f3", "next", "the next match", "step(1)", rank=2),
    action(Context.FINDING, "previous", "up,shift+f3", "previous", "the match before", "step(-1)", rank=3),
    action(Context.FINDING, "cancel", "escape", "back", "go back to where the search began", rank=91),
)  # fmt: skip
