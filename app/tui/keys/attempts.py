"""Actions of the attempt list; the keys are those of a list in sngrep."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.ATTEMPTS, "open", "enter", "open", "go to the ladder of this attempt", "choose", rank=1),
    action(Context.ATTEMPTS, "mark", "space", "mark", "mark this attempt; export takes all marked ones"),
    action(Context.ATTEMPTS, "save", "s", "save", "write this attempt, or all marked ones, to a file",
            "screen.export"),
    action(Context.ATTEMPTS, "extend", "x,f4", "extend", "its ladder, or that of all marked ones, with every datagram",
            "screen.extend"),
    action(Context.ATTEMPTS, "pair", "M", "all tries", "all attempts of this client on this server in one ladder",
            "screen.pair", rank=17),
    action(Context.ATTEMPTS, "sort_right", "greater_than_sign", "sort", "sort by the next column; ▲ or ▼ says by which",
            "sort_column(1)", rank=15),
    action(Context.ATTEMPTS, "sort_left", "less_than_sign", "sort", "sort by the column before", "sort_column(-1)"),
    action(Context.ATTEMPTS, "turn_order", "z", "turn round", "sort the other way round"),
    action(Context.ATTEMPTS, "columns", "t,f10", "columns", "choose columns and their order; kept in the settings",
            "screen.columns", rank=16),
    action(Context.COLUMNS, "tick", "space", "show or not", "show this column, or leave it out", rank=2),
    action(Context.COLUMNS, "right", "plus", "later", "move the column to the right", "shift(1)", rank=3),
    action(Context.COLUMNS, "left", "minus", "earlier", "move the column to the left", "shift(-1)", rank=4),
    action(Context.COLUMNS, "reset", "backspace", "usual", "the usual columns, by the width", rank=5),
    action(Context.COLUMNS, "keep", "enter", "take them", "show these columns from now on", rank=1),
    action(Context.COLUMNS, "close", "escape,q", "cancel", "leave the list as it was", rank=91),
    action(Context.PROBLEMS, "open", "enter", "unfold, go there", "list the packets of a problem; go to a packet",
            "choose", rank=1),
    action(Context.PROBLEMS, "fold", "space", "fold", "list the packets of a problem, or fold them", rank=2),
    action(Context.PROBLEMS, "filter", "F", "as filter", "show the packets of a problem in the packet list",
            rank=3),
)  # fmt: skip
