"""Actions that work on every screen, in every list, and in small windows."""

from __future__ import annotations

from typing import Final

from app.tui.keys.action import Action, Context, action

ACTIONS: Final[tuple[Action, ...]] = (
    action(Context.EVERYWHERE, "help", "question_mark,f1", "help", "keys and signs, for where you are", rank=90),
    action(Context.EVERYWHERE, "quit", "Q,ctrl+q", "quit", "leave Peephole"),
    action(Context.EVERYWHERE, "palette", "ctrl+p,colon", "palette", "find any action by name", "command_palette"),
    action(Context.EVERYWHERE, "settings", "o,f8", "settings", "how things are shown; kept if you say so"),
    action(Context.EVERYWHERE, "theme", "ctrl+t", "theme", "next theme: dark, light, contrast, terminal's, no colour",
            "next_theme"),
    action(Context.EVERYWHERE, "screenshot", "ctrl+s", "screenshot", "save the screen as SVG", "save_picture"),
    action(Context.EVERYWHERE, "editor", "ctrl+e", "editor", "open this message, report or page in $EDITOR",
            "open_in_editor"),
    action(Context.EVERYWHERE, "pager", "ctrl+o", "pager", "the same in $PAGER", "open_in_pager"),
    action(Context.ROWS, "down", "j,down", "down", "next row", "move(1)"),
    action(Context.ROWS, "up", "k,up", "up", "previous row", "move(-1)"),
    action(Context.ROWS, "page_down", "pagedown,ctrl+f", "page down", "a page down", "page(1)"),
    action(Context.ROWS, "page_up", "pageup,ctrl+b", "page up", "a page up", "page(-1)"),
    action(Context.ROWS, "half_down", "ctrl+d", "half down", "half a page down", "half(1)"),
    action(Context.ROWS, "half_up", "ctrl+u", "half up", "half a page up", "half(-1)"),
    action(Context.ROWS, "first", "g,home", "first", "first row"),
    action(Context.ROWS, "last", "G,end", "last", "last row"),
    action(Context.CHOICE, "choose", "enter", "take it", "take the selected one", rank=1),
    action(Context.CHOICE, "close", "escape,q", "cancel", "close and do nothing", rank=91),
    action(Context.SETTINGS, "next", "enter,space,l,right", "change", "next value of this setting", "turn(1)", rank=1),
    action(Context.SETTINGS, "previous", "h,left", "back", "previous value of this setting", "turn(-1)"),
    action(Context.SETTINGS, "default", "d,delete", "default", "the default value again", rank=3),
    action(Context.SETTINGS, "keep", "s,f2", "keep", "write what was changed into the configuration file", rank=2),
    action(Context.SETTINGS, "edit", "e", "edit file", "open the configuration file in $EDITOR", rank=4),
    action(Context.SETTINGS, "close", "escape,q", "close", "close; what was changed holds until you leave", rank=91),
    action(Context.LOADING, "stop", "escape,q", "stop", "stop reading, show what was read; again: leave", rank=1),
    action(Context.LEAVING, "force", "q,escape", "leave now", "leave without taking back what is announced", rank=1),
)  # fmt: skip
