"""Actions on the fields and bytes of a message."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.FIELDS, "open", "enter,space", "open",
            "fold or unfold a field that has parts; on a line that is underlined: go where it leads", "choose", rank=1),
    action(Context.FIELDS, "fold", "h,left", "fold", "fold this field, or go to the one around it"),
    action(Context.FIELDS, "unfold", "l,right", "unfold", "unfold this field"),
    action(Context.BYTES, "left", "h,left", "byte back", "previous byte, and the field it belongs to", "step(-1)"),
    action(Context.BYTES, "right", "l,right", "byte", "next byte, and the field it belongs to", "step(1)", rank=1),
)  # fmt: skip
