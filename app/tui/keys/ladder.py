"""Actions of the ladder; the keys are those of a call flow in sngrep."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.LADDER, "open", "enter", "open", "fields and bytes; on a burst: unfold it, or fold it again",
            "choose", rank=1),
    action(Context.LADDER, "mark", "space", "mark", "mark this step: count time from it; two have a difference"),
    action(Context.LADDER, "left", "h,left", "left", "scroll the lanes to the left", "sideways(-1)"),
    action(Context.LADDER, "right", "l,right", "right", "scroll the lanes to the right", "sideways(1)"),
    action(Context.LADDER, "lane_left", "shift+left", "lane left", "scroll by a lane to the left", "lane(-1)"),
    action(Context.LADDER, "lane_right", "shift+right", "lane right", "scroll by a lane to the right", "lane(1)"),
    action(Context.LADDER, "first_lane", "shift+home", "first lane", "scroll to the first lane", "lanes_end(-1)"),
    action(Context.LADDER, "last_lane", "shift+end", "last lane", "scroll to the last lane", "lanes_end(1)"),
    action(Context.LADDER, "next_evidence", "e", "evidence", "next step that proves the verdict"),
    action(Context.LADDER, "extend", "x,f4", "extend", "every datagram, relay, node and hop, or not", "screen.extend",
            rank=10),
    action(Context.LADDER, "compress", "s", "compress", "relays in one lane; again: only what the ends say",
            "screen.compress", rank=11),
    action(Context.LADDER, "pair", "M", "all tries", "all attempts of this client on this server in one ladder",
            "screen.pair", rank=15),
)  # fmt: skip
