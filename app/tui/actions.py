"""Every action of the inspector: one registry that feeds bindings, footer, help and command palette.

An `Action` has a stable id (what a key map rebinds), its keys, a word for the footer, a sentence for the help, where
it works, and the method ``action_<method>`` that does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from textual.binding import BindingType


class Context(StrEnum):
    """Where an action works; the value is its heading in the help."""

    EVERYWHERE = "everywhere"
    MAIN = "main screen"
    ROWS = "in any list of rows"
    ATTEMPTS = "attempt list"
    LADDER = "ladder"
    FIELDS = "fields of a message"
    BYTES = "bytes of a message"
    LINKS = "lines that lead to a packet"
    PAGE = "any page"
    TURNING = "verdict, NAT and rounds pages"
    CHOICE = "a choice"
    LIVE = "live capture"
    OWN_NODE = "own node"
    NODE = "pages of the own node"
    DEMO = "demo"
    DEMO_PAGE = "page of the demo"
    LEAVING = "while the own node takes leave"
    FILTER = "while typing a filter"
    LOADING = "while files are read"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a user can do."""

    id: str
    keys: str
    """Textual key names, comma between alternatives."""
    label: str
    """A word or two for the footer."""
    help: str
    context: Context
    method: str
    """Name after ``action_``, perhaps with arguments."""
    rank: int = 0
    """Place in the footer, 1 is first; 0 is not shown there."""


def _action(context: Context, id_: str, keys: str, label: str, help_: str, method: str = "", rank: int = 0) -> Action:
    return Action(f"{context.name.lower()}.{id_}", keys, label, help_, context, method or id_, rank)


ACTIONS: Final[tuple[Action, ...]] = (
    _action(Context.EVERYWHERE, "help", "question_mark,f1", "help", "keys and signs, for where you are", rank=90),
    _action(Context.EVERYWHERE, "quit", "Q,ctrl+q", "quit", "leave Peephole"),
    _action(Context.EVERYWHERE, "palette", "ctrl+p", "palette", "find any action by name", "command_palette"),
    _action(Context.EVERYWHERE, "theme", "t", "theme", "switch between the dark and the light theme", "switch_theme"),
    _action(Context.EVERYWHERE, "screenshot", "ctrl+s", "screenshot", "save the screen as SVG", "save_picture"),
    _action(Context.MAIN, "next_pane", "tab", "pane", "go to the next pane", rank=9),
    _action(Context.MAIN, "previous_pane", "shift+tab", "previous pane", "go to the previous pane"),
    _action(Context.MAIN, "maximise", "backslash", "maximise", "give the whole screen to this pane, or back"),
    _action(Context.MAIN, "back", "escape,q", "back", "one level back; from the list: leave", rank=91),
    _action(Context.MAIN, "filter", "slash,f3,f7", "filter", "show only attempts that pass an expression", rank=2),
    _action(Context.MAIN, "verdict", "v", "verdict", "verdict, evidence and facts of the attempt", rank=3),
    _action(Context.MAIN, "nat", "n", "NAT", "what shows each side's NAT class, sample by sample", rank=4),
    _action(Context.MAIN, "rounds", "r", "rounds", "rounds and address tokens, both sides", rank=5),
    _action(Context.MAIN, "detail", "d", "detail", "show or hide fields and bytes of the selected step", rank=6),
    _action(Context.MAIN, "evidence", "1,2,3,4,5,6,7,8,9", "evidence", "jump to the packet that is evidence 1 to 9",
            "evidence", rank=7),
    _action(Context.MAIN, "time", "w", "time", "time column: since the start, time of day, since the marked step",
            rank=12),
    _action(Context.MAIN, "colour", "c", "colour", "colour arrows by phase, by sender or by tokens", rank=13),
    _action(Context.MAIN, "compress", "s", "compress", "fold relays and other nodes into one lane", rank=11),
    _action(Context.MAIN, "bursts", "m", "bursts", "bursts of punches: folded, one by one, hidden", rank=10),
    _action(Context.MAIN, "export", "x,f2", "export", "write this attempt to a file", rank=8),
    _action(Context.MAIN, "copy", "y", "copy", "copy a report of this attempt to the clipboard", rank=14),
    _action(Context.MAIN, "follow", "f,A", "follow", "keep the newest attempt selected, and the end of its ladder"),
    _action(Context.LIVE, "pause", "p", "pause", "stop and go on showing what is captured; capturing goes on", rank=1),
    _action(Context.OWN_NODE, "node", "N", "node", "our own node: address, routing table, relays, connections",
            rank=1),
    _action(Context.DEMO, "demo", "D", "what is this?", "the demo: its network, its NATs, what is played, how it went",
            rank=1),
    _action(Context.DEMO_PAGE, "close", "escape,q,D", "back", "close the page", rank=91),
    _action(Context.NODE, "page", "1,2,3,4,5,6", "page", "turn to a page", "node_page", rank=1),
    _action(Context.NODE, "next", "tab,l,right", "next", "turn to the next page", "turn(1)", rank=2),
    _action(Context.NODE, "previous", "shift+tab,h,left", "previous", "turn to the previous page", "turn(-1)"),
    _action(Context.NODE, "close", "escape,q,N", "back", "close the pages", rank=91),
    _action(Context.LEAVING, "force", "q,escape", "leave now", "leave without taking back what is announced", rank=1),
    _action(Context.ROWS, "down", "j,down", "down", "next row", "move(1)"),
    _action(Context.ROWS, "up", "k,up", "up", "previous row", "move(-1)"),
    _action(Context.ROWS, "page_down", "pagedown,ctrl+f", "page down", "a page down", "page(1)"),
    _action(Context.ROWS, "page_up", "pageup,ctrl+b", "page up", "a page up", "page(-1)"),
    _action(Context.ROWS, "half_down", "ctrl+d", "half down", "half a page down", "half(1)"),
    _action(Context.ROWS, "half_up", "ctrl+u", "half up", "half a page up", "half(-1)"),
    _action(Context.ROWS, "first", "g,home", "first", "first row"),
    _action(Context.ROWS, "last", "G,end", "last", "last row"),
    _action(Context.ATTEMPTS, "open", "enter", "open", "go to the ladder of this attempt", "choose", rank=1),
    _action(Context.ATTEMPTS, "mark", "space", "mark", "mark this attempt; export takes all marked ones"),
    _action(Context.LADDER, "open", "enter", "open", "fields and bytes; on a burst: unfold it, or fold it again",
            "choose", rank=1),
    _action(Context.LADDER, "mark", "space", "mark", "count time from this step"),
    _action(Context.LADDER, "left", "h,left", "left", "scroll the lanes to the left", "sideways(-1)"),
    _action(Context.LADDER, "right", "l,right", "right", "scroll the lanes to the right", "sideways(1)"),
    _action(Context.LADDER, "next_evidence", "e", "evidence", "next step that proves the verdict"),
    _action(Context.FIELDS, "open", "enter,space", "fold", "fold or unfold a field that has parts", "choose", rank=1),
    _action(Context.FIELDS, "fold", "h,left", "fold", "fold this field, or go to the one around it"),
    _action(Context.FIELDS, "unfold", "l,right", "unfold", "unfold this field"),
    _action(Context.BYTES, "left", "h,left", "byte back", "previous byte, and the field it belongs to", "step(-1)"),
    _action(Context.BYTES, "right", "l,right", "byte", "next byte, and the field it belongs to", "step(1)", rank=1),
    _action(Context.PAGE, "close", "escape,q", "back", "close the page", rank=91),
    _action(Context.TURNING, "verdict", "v", "verdict", "turn to the verdict", "turn_to('verdict')", rank=3),
    _action(Context.TURNING, "nat", "n", "NAT", "turn to the NAT evidence", "turn_to('nat')", rank=4),
    _action(Context.TURNING, "rounds", "r", "rounds", "turn to rounds and tokens", "turn_to('rounds')", rank=5),
    _action(Context.LINKS, "open", "enter", "go to packet", "go to the packet that the line speaks of", "choose",
            rank=1),
    _action(Context.FILTER, "keep", "enter", "keep", "keep what is valid and go to the list", rank=1),
    _action(Context.FILTER, "cancel", "escape", "cancel", "leave the filter as it was", rank=2),
    _action(Context.CHOICE, "choose", "enter", "take it", "take the selected one", rank=1),
    _action(Context.LOADING, "stop", "escape,q", "stop", "stop reading and leave"),
    _action(Context.CHOICE, "close", "escape,q", "cancel", "close and do nothing", rank=91),
)  # fmt: skip

NUMBERED: Final = frozenset({"evidence", "node_page"})
"""Methods that are given the digit that was pressed."""

KEY_NAMES: Final = {
    "question_mark": "?",
    "slash": "/",
    "backslash": "\\",
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "⇧Tab",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "f1": "F1",
    "f2": "F2",
    "f3": "F3",
    "f7": "F7",
}


def actions_in(*contexts: Context) -> tuple[Action, ...]:
    """The actions of some contexts, in registry order."""
    return tuple(action for action in ACTIONS if action.context in contexts)


def key_text(keys: str) -> str:
    """Keys as people write them: ``j ↓``, ``^F``, ``1–9``."""
    names = keys.split(",")
    if len(names) > 2 and all(name.isdigit() for name in names):
        return f"{names[0]}–{names[-1]}"
    return " ".join(KEY_NAMES.get(name, name.replace("ctrl+", "^").upper() if "+" in name else name) for name in names)


def bindings_of(*contexts: Context, namespace: str = "") -> list[BindingType]:
    """Textual bindings of some contexts, with the action's id for rebinding.

    Args:
        contexts: whose actions.
        namespace: ``app.`` for a modal screen, which would otherwise keep the app's keys from working.
    """
    from textual.binding import Binding

    found: list[BindingType] = []
    for action in actions_in(*contexts):
        if action.method in NUMBERED:
            found += [
                Binding(key, f"{action.method}({key})", action.help, show=False, id=f"{action.id}.{key}")
                for key in action.keys.split(",")
            ]
        else:
            found.append(Binding(action.keys, namespace + action.method, action.help, show=False, id=action.id))
    return found
