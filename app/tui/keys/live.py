"""Actions on what is live: a capture, a node of ours, the demo."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.LIVE, "pause", "p", "pause", "stop and go on showing what is captured; capturing goes on", rank=1),
    action(Context.LIVE, "clear", "f5,ctrl+l", "clear", "take all attempts off the list; asks first"),
    action(Context.LIVE, "clear_others", "f9", "clear others",
            "take all attempts off the list that do not pass the filter; asks first"),
    action(Context.LIVE, "start_again", "ctrl+r", "start again",
            "start what captures for us (ssh, sudo) again, where it was killed or lost its connection"),
    action(Context.LIVE, "let_go", "L", "let go", "attempts that were let go to stay within the bound: a line of each"),
    action(Context.OWN_NODE, "node", "O", "node", "our own node: address, routing table, relays, connections",
            rank=1),
    action(Context.NODE, "page", "1,2,3,4,5,6,7", "page", "turn to a page", "node_page", rank=1),
    action(Context.NODE, "next", "tab,l,right", "next", "turn to the next page", "turn(1)", rank=2),
    action(Context.NODE, "previous", "shift+tab,h,left", "previous", "turn to the previous page", "turn(-1)"),
    action(Context.NODE, "close", "escape,q,O", "back", "close the pages", rank=91),
    action(Context.DEMO, "demo", "D", "what is this?", "the demo: its network, its NATs, what is played, how it went",
            rank=1),
    action(Context.DEMO_PAGE, "close", "escape,q,D", "back", "close the page", rank=91),
)  # fmt: skip
