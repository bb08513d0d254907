"""Actions of the choice of an interface to listen on."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.INTERFACES, "listen", "enter", "listen", "listen on this interface, or on all marked", rank=1),
    action(Context.INTERFACES, "tick", "space", "mark", "mark this interface, or take the mark off", rank=2),
    action(Context.INTERFACES, "promiscuous", "p", "promiscuous", "take frames for other hosts too, or not", rank=3),
    action(Context.INTERFACES, "opener", "u", "opened by", "have another program open the interface", rank=4),
    action(Context.INTERFACES, "close", "escape,q", "leave", "listen on none of them", rank=91),
)  # fmt: skip
