"""Actions of the ladder; the keys are those of a call flow in sngrep."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.LADDER, "open", "enter", "open", "fields and bytes; on a burst: unfold it, or fold it again",
            "choose", rank=1),
    action(Context.LADDER, "mark", "space", "mark", "count time from this step"),
    action(Context.LADDER, "left", "h,left", "left", "scroll the lanes to the left", "sideways(-1)"),
    action(Context.LADDER, "right", "l,right", "right", "scroll the lanes to the right", "sideways(1)"),
    action(Context.LADDER, "next_evidence", "e", "evidence", "next step that proves the verdict"),
    action(Context.LADDER, "compress", "s", "compress", "fold relays and other nodes into one lane",
            "screen.compress", rank=11),
)  # fmt: skip
