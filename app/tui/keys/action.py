"""What an action of the inspector is.

An `Action` has a stable id (what a key map rebinds), its keys, a word for the footer, a sentence for the help, where
it works, and the method ``action_<method>`` that does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.tui.keys.names import key_text

__all__ = ["NUMBERED", "Action", "Context", "action", "key_text"]


class Context(StrEnum):
    """Where an action works; the value is its heading in the help."""

    EVERYWHERE = "everywhere"
    MAIN = "main screen"
    ROWS = "in any list of rows"
    ATTEMPTS = "attempt list"
    COLUMNS = "choice of columns"
    LADDER = "ladder"
    FIELDS = "fields of a message"
    BYTES = "bytes of a message"
    PACKETS = "packet list"
    PACKET_SCREEN = "screen of the packet list"
    RAW = "raw bytes"
    PROBLEMS = "page of problems"
    LINKS = "lines that lead to a packet"
    PAGE = "any page"
    TURNING = "pages of an attempt"
    CHOICE = "a choice"
    LIVE = "live capture"
    OWN_NODE = "own node"
    NODE = "pages of the own node"
    INTERCEPTING = "holding messages"
    INTERCEPT = "intercept screen"
    HELD = "list of held messages"
    RULES = "rules of the intercept screen"
    HEX = "while changing bytes"
    FORM = "form for the fields of a message"
    DESK = "steps by hand"
    BY_HAND = "client or server by hand"
    DEMO = "demo"
    DEMO_PAGE = "page of the demo"
    LEAVING = "while the own node takes leave"
    FIND = "finding in lists and pages"
    FINDING = "while typing what to find"
    FILTER = "while typing a filter"
    SETTINGS = "settings"
    EXPORTING = "what to write to a file"
    ASKING = "while writing a comment, a name or a file name"
    LOADING = "while files are read"
    INTERFACES = "choice of an interface"


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
    """Name after ``action_``, perhaps with arguments; after ``screen.`` it is one of the main screen."""
    rank: int = 0
    """Place in the footer, 1 is first; 0 is not shown there."""


def action(context: Context, id_: str, keys: str, label: str, help_: str, method: str = "", rank: int = 0) -> Action:
    """An action of a context; its method is called as the action is, if nothing else is said."""
    return Action(f"{context.name.lower()}.{id_}", keys, label, help_, context, method or id_, rank)


NUMBERED: Final = frozenset({"attempt_page", "evidence", "node_page", "pick"})
"""Methods that are given the digit that was pressed."""
