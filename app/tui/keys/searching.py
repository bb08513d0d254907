"""Actions of the filter and of find."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.MAIN, "prepare", "F", "filter by this", "a filter from a value of this attempt, step or field",
            "prepare_filter"),
    action(Context.FILTER, "keep", "enter", "keep", "keep the expression, or take the chosen proposal",
            rank=1),
    action(Context.FILTER, "complete", "tab", "complete", "take what is proposed, or show it; → at the end does so too",
            rank=2),
    action(Context.FILTER, "next", "down", "choose", "the next proposal, or the expression after this one", "choose(1)",
            rank=3),
    action(Context.FILTER, "previous", "up", "before", "the proposal before, or the expression typed before this one",
            "choose(-1)", rank=4),
    action(Context.FILTER, "leave", "escape", "leave", "leave; the last expression that held stays", rank=91),
    action(Context.FIND, "find", "f3", "find", "find a text or what passes a filter in the focused list"),
    action(Context.FIND, "find_next", "n", "next match", "go to the next match, round and round"),
    action(Context.FIND, "find_previous", "N", "previous match", "go to the match before"),
    action(Context.FINDING, "keep", "enter", "stay", "stay at the match", rank=1),
    action(Context.FINDING, "next", "down,f3", "next", "the next match", "step(1)", rank=2),
    action(Context.FINDING, "previous", "up,shift+f3", "previous", "the match before", "step(-1)", rank=3),
    action(Context.FINDING, "cancel", "escape", "back", "go back to where the search began", rank=91),
)  # fmt: skip
