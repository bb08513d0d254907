"""Actions of the main screen, whichever pane is focused."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.MAIN, "next_pane", "tab", "pane", "go to the next pane", rank=9),
    action(Context.MAIN, "previous_pane", "shift+tab", "previous pane", "go to the previous pane"),
    action(Context.MAIN, "maximise", "backslash", "maximise", "give the whole screen to this pane, or back"),
    action(Context.MAIN, "back", "escape,q", "back", "one level back; from the list: leave", rank=91),
    action(Context.MAIN, "filter", "slash,f,f7", "filter", "show only attempts that pass an expression", rank=2),
    action(Context.MAIN, "verdict", "v", "verdict", "verdict, evidence and facts of the attempt", rank=3),
    action(Context.MAIN, "nat", "b", "NAT", "what shows each side's NAT class, sample by sample", rank=5),
    action(Context.MAIN, "rounds", "R", "rounds", "every round, both sides, message by message", rank=6),
    action(Context.MAIN, "candidates", "C", "candidates", "every address that a side could try, and what came of it"),
    action(Context.MAIN, "tokens", "K", "tokens", "the life of both address tokens"),
    action(Context.MAIN, "problems", "E", "problems", "what was lost, cut, refused or odd, and its packets",
            rank=17),
    action(Context.MAIN, "statistics", "i", "statistics", "outcomes, NAT pairs, times and relays of what is shown",
            rank=11),
    action(Context.MAIN, "detail", "d", "detail", "show or hide fields and bytes of the selected step", rank=7),
    action(Context.MAIN, "evidence", "1,2,3,4,5,6,7,8,9", "evidence", "jump to the packet that is evidence 1 to 9",
            "evidence", rank=8),
    action(Context.MAIN, "time", "w", "time", "time column: since the start, of day, since last step, since the mark",
            rank=12),
    action(Context.MAIN, "colour", "c", "colour", "colour arrows by phase, sender, tokens, or attempt", rank=13),
    action(Context.MAIN, "bursts", "m", "bursts", "bursts of punches: folded, one by one, hidden", rank=10),
    action(Context.MAIN, "export", "f2,S", "export", "write this attempt to a file", rank=4),
    action(Context.MAIN, "copy", "y", "copy", "copy a report of this attempt to the clipboard", rank=14),
    action(Context.MAIN, "clock", "T", "clocks", "set by hand what the clock of one of several captures is ahead by"),
    action(Context.MAIN, "follow", "A", "follow", "keep the newest attempt selected, and the end of its ladder"),
)  # fmt: skip
