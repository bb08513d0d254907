"""Actions of the forms, and of the screen on which steps of our own peer are let go by hand."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.BY_HAND, "desk", "B", "by hand", "steps of our own client or server, let go one by one", rank=1),
    action(Context.DESK, "send", "a", "send", "let the selected step go, as it is now", rank=1),
    action(Context.DESK, "open", "enter", "send, fold", "let the selected step go; fold or unfold an attempt",
            "open_row"),
    action(Context.DESK, "edit", "e", "edit", "change its fields; of a step that went: send it once more, changed",
            rank=2),
    action(Context.DESK, "decide", "c", "choose", "ready-made decisions: stay silent, refuse, claim, forge, and others",
            rank=3),
    action(Context.DESK, "lose", "X,delete", "lose", "let it be lost: nobody hears of it", rank=4),
    action(Context.DESK, "skip", "s", "skip", "go on with what comes next, as if there were no such step", rank=5),
    action(Context.DESK, "repeat", "D,r", "repeat", "send a step that went once more", rank=6),
    action(Context.DESK, "later", "J", "later", "let the next step come first; this one is sent whenever you like",
            rank=7),
    action(Context.DESK, "delay", "d", "delay", "send it by itself after so many seconds", rank=8),
    action(Context.DESK, "by_itself", "t", "by itself", "steps of this kind go by themselves from now on, or wait",
            rank=9),
    action(Context.DESK, "all_by_itself", "T", "all by itself",
            "everything goes by itself from here on; again: everything waits", rank=10),
    action(Context.DESK, "begin", "N", "new attempt", "a client: connect once more, beside what is under way", rank=12),
    action(Context.DESK, "next_held", "n", "next held", "to the next step that waits, of whatever attempt", rank=11),
    action(Context.DESK, "send_all", "A", "send all", "let everything go that waits now", rank=12),
    action(Context.DESK, "revert", "V", "revert", "take all changes of the selected step back", rank=13),
    action(Context.DESK, "next_pane", "tab", "pane", "to the step, to the ladder, back to the list", "pane(1)",
            rank=11),
    action(Context.DESK, "previous_pane", "shift+tab", "previous pane", "go to the previous pane", "pane(-1)"),
    action(Context.DESK, "close", "escape,q,B", "main screen",
            "to the list, from there to the main screen; B comes back here", rank=91),
    action(Context.FORM, "next", "down,tab", "next field", "to the next field; Enter too, and after the last one apply",
            "field(1)", rank=1),
    action(Context.FORM, "previous", "up,shift+tab", "previous", "to the previous field", "field(-1)"),
    action(Context.FORM, "page_down", "pagedown", "further down", "some fields further down", "page(1)"),
    action(Context.FORM, "page_up", "pageup", "further up", "some fields further up", "page(-1)"),
    action(Context.FORM, "undo", "ctrl+z", "as it was", "the field as it was", rank=3),
    action(Context.FORM, "apply", "ctrl+j,f2", "apply", "take all changes, if each is a value of its field", rank=2),
    action(Context.FORM, "cancel", "escape", "cancel", "leave everything as it was", rank=91),
)  # fmt: skip
