"""Actions on marks, comments, names, redaction, and on what is written to files."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.MAIN, "comment", "semicolon", "comment",
            "say something of this attempt, or of the selected step's packet; exports keep it", rank=16),
    action(Context.MAIN, "names", "a", "names", "show names in place of addresses and keys, or not", rank=18),
    action(Context.MAIN, "name", "ctrl+n", "name it", "name an address or key of this attempt"),
    action(Context.MAIN, "hide", "H", "hide", "mask addresses and keys, on screen and in exports; again: show them",
            rank=17),
    action(Context.EXPORTING, "next", "enter,space,l,right", "change", "next choice; on the last line: write",
            "turn(1)", rank=1),
    action(Context.EXPORTING, "previous", "h,left", "back", "previous choice", "turn(-1)"),
    action(Context.EXPORTING, "write", "w,f2", "write", "write the file", rank=2),
    action(Context.EXPORTING, "close", "escape,q", "cancel", "write nothing", rank=91),
    action(Context.ASKING, "keep", "enter", "take it", "take what is written", rank=1),
    action(Context.ASKING, "cancel", "escape", "cancel", "leave everything as it was", rank=2),
)  # fmt: skip
