"""Every action of the inspector: one registry that feeds bindings, footer, help and command palette."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.tui.keys import anywhere, attempts, ladder, live, main, message, pages
from app.tui.keys.action import NUMBERED, Action, Context

if TYPE_CHECKING:
    from textual.binding import BindingType

ACTIONS: Final[tuple[Action, ...]] = (
    *anywhere.ACTIONS,
    *main.ACTIONS,
    *attempts.ACTIONS,
    *ladder.ACTIONS,
    *message.ACTIONS,
    *pages.ACTIONS,
    *live.ACTIONS,
)


def actions_in(*contexts: Context) -> tuple[Action, ...]:
    """The actions of some contexts, in registry order."""
    return tuple(action for action in ACTIONS if action.context in contexts)


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
