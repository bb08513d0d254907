"""Actions of the forms, and of the screen on which steps of our own peer are let go by hand."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.FORM, "next", "down,tab", "next field", "to the next field; Enter too, and after the last one apply",
            "field(1)", rank=1),
    action(Context.FORM, "previous", "up,shift+tab", "previous", "to the previous field", "field(-1)"),
    action(Context.FORM, "page_down", "pagedown", "further down", "some fields further down", "page(1)"),
    action(Context.FORM, "page_up", "pageup", "further up", "some fields further up", "page(-1)"),
    action(Context.FORM, "undo", "ctrl+z", "as it was", "the field as it was", rank=3),
    action(Context.FORM, "apply", "ctrl+j,f2", "apply", "take all changes, if each is a value of its field", rank=2),
    action(Context.FORM, "cancel", "escape", "cancel", "leave everything as it was", rank=91),
)  # fmt: skip
