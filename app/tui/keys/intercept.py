"""Actions on held messages; the keys are those of mitmproxy."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.INTERCEPTING, "intercept", "I", "intercept",
            "hold messages on their way, change them, send them on: the intercept screen", rank=2),
    action(Context.INTERCEPT, "expression", "i", "what to hold", "type the expression: messages that pass it are held",
            rank=1),
    action(Context.INTERCEPT, "switch", "I", "on/off", "hold messages, or let all pass again; held ones stay held",
            rank=2),
    action(Context.INTERCEPT, "forward", "a", "send on", "send the selected message on its way, as it is now", rank=3),
    action(Context.INTERCEPT, "edit", "e", "edit", "change fields of the selected message", rank=4),
    action(Context.INTERCEPT, "drop", "X,delete", "drop", "let the selected message be lost", rank=5),
    action(Context.INTERCEPT, "revert", "V", "revert", "make an edited message what it was when it came", rank=7),
    action(Context.INTERCEPT, "undo", "u", "undo", "take back the last change of the selected message", rank=8),
    action(Context.INTERCEPT, "delay", "d", "delay", "send it on by itself after so many seconds", rank=9),
    action(Context.INTERCEPT, "elsewhere", "t", "elsewhere", "send it to another address than it was meant for",
            rank=10),
    action(Context.INTERCEPT, "duplicate", "D", "duplicate", "send a copy on; the message stays held", rank=11),
    action(Context.INTERCEPT, "replay", "r", "replay", "send it once more, held or long gone", rank=12),
    action(Context.INTERCEPT, "forward_all", "A", "send all", "send all held messages on, in the order of the list",
            rank=13),
    action(Context.INTERCEPT, "later", "J", "later", "let it go on after the next one", "reorder(1)", rank=14),
    action(Context.INTERCEPT, "earlier", "K", "earlier", "let it go on before the one above", "reorder(-1)"),
    action(Context.INTERCEPT, "edit_bytes", "b", "bytes", "change the bytes of the selected message, as hex", rank=15),
    action(Context.INTERCEPT, "edit_outside", "E", "editor", "change its fields as text in $EDITOR"),
    action(Context.INTERCEPT, "preset", "p", "presets", "add rules that reproduce a known failure", rank=16),
    action(Context.INTERCEPT, "next_pane", "tab", "pane", "to the message, to the rules, back to the list", rank=17),
    action(Context.INTERCEPT, "previous_pane", "shift+tab", "previous pane", "go to the previous pane"),
    action(Context.INTERCEPT, "maximise", "backslash", "maximise", "give the whole screen to this pane, or back"),
    action(Context.INTERCEPT, "close", "escape,q", "back", "to the list, from there to the main screen; held ones stay",
            rank=91),
    action(Context.HELD, "open", "enter", "look", "go to its fields and bytes; edited: before and now, side by side",
            "choose", rank=6),
    action(Context.RULES, "toggle", "space,enter", "rule on/off", "use the selected rule, or not", "choose", rank=1),
    action(Context.RULES, "remove", "x", "remove", "take the selected rule off the list", rank=2),
    action(Context.HEX, "keep", "ctrl+j,f2", "take it", "take these bytes", rank=1),
    action(Context.HEX, "cancel", "escape", "cancel", "leave the message as it was", rank=91),
)  # fmt: skip
