"""Actions of the attempt list; the keys are those of a list in sngrep."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.ATTEMPTS, "open", "enter", "open", "go to the ladder of this attempt", "choose", rank=1),
    action(Context.ATTEMPTS, "mark", "space", "mark", "mark this attempt; export takes all marked ones"),
    action(Context.ATTEMPTS, "save", "s", "save", "write this attempt, or all marked ones, to a file",
            "screen.export"),
)  # fmt: skip
