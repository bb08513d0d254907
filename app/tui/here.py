"""What can be done where one is: contexts and actions whose keys are heard, and those of panes in reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode
from textual.widget import Widget

from app.tui.keys.action import NUMBERED, Action, Context
from app.tui.keys.registry import action_of

if TYPE_CHECKING:
    from textual.screen import Screen

_GENERAL: Final = (Context.FIND, Context.PAGE, Context.ROWS, Context.EVERYWHERE)
"""What comes last wherever it works."""


class Doable(NamedTuple):
    """An action, where its method is, and whether the keyboard has to go there first."""

    action: Action
    call: str
    """Textual's action string, perhaps with the number that was meant."""
    node: DOMNode
    away: bool
    keys: str
    """The key of this one alone, where the action has a number."""


def doable(screen: Screen[Any], idle: Iterable[Context] = ()) -> Iterator[Doable]:
    """Everything that can be done on a screen: first what the keyboard reaches now, then other panes.

    Args:
        screen: which may lie under the palette.
        idle: contexts that do nothing now.
    """
    left_out = set(idle)
    seen: set[str] = set()
    heard = ((one.node, one.binding, False) for one in screen.active_bindings.values())
    others = (
        (pane, binding, True)
        for pane in screen.query("*")
        if isinstance(pane, Widget) and pane.focusable and pane.region
        for binding in type(pane).BINDINGS
        if isinstance(binding, Binding)
    )
    for node, binding, away in (*heard, *others):
        action = action_of(binding.id or "")
        if action is None or binding.id in seen or action.context in left_out:
            continue
        seen.add(binding.id or "")
        keys = action.keys
        if action.method in NUMBERED:
            keys = binding.key if not away else binding.key.split(",")[0]
        yield Doable(action, binding.action, node, away, keys)


def contexts_here(screen: Screen[Any]) -> list[Context]:
    """Contexts whose keys are heard: of the focused pane first, on a page of the page first, the general ones last."""
    found: list[Context] = []
    of_screen: list[Context] = []
    for one in screen.active_bindings.values():
        action = action_of(one.binding.id or "")
        if action is not None:
            (of_screen if one.node is screen else found).append(action.context)
    ordered = dict.fromkeys((*of_screen, *found) if screen.is_modal else (*found, *of_screen))
    return [one for one in ordered if one not in _GENERAL] + [one for one in _GENERAL if one in ordered]
