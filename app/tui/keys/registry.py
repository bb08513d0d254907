"""Every action of the inspector: one registry that feeds bindings, footer, help and command palette.

Keys can be changed: `use_keys` takes what `app.tui.keys.rebinding` has checked, and from then on `actions_in` and
`every_action` give actions with the keys that hold; the app gives Textual the same as a key map.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from app.tui.keys import (
    anywhere,
    attempts,
    choosing,
    desk,
    intercept,
    ladder,
    live,
    main,
    message,
    notes,
    packets,
    pages,
    searching,
)
from app.tui.keys.action import NUMBERED, Action, Context

if TYPE_CHECKING:
    from textual.binding import BindingType

ACTIONS: Final[tuple[Action, ...]] = (
    *anywhere.ACTIONS,
    *main.ACTIONS,
    *attempts.ACTIONS,
    *ladder.ACTIONS,
    *message.ACTIONS,
    *notes.ACTIONS,
    *packets.ACTIONS,
    *pages.ACTIONS,
    *searching.ACTIONS,
    *live.ACTIONS,
    *intercept.ACTIONS,
    *desk.ACTIONS,
    *choosing.ACTIONS,
)


_changed: dict[str, str] = {}
"""Keys that hold in place of those of the registry, by action id. A process shows one app."""


def use_keys(changed: Mapping[str, str]) -> None:
    """Let actions have other keys; all those not named have the registry's own again.

    Args:
        changed: action id to Textual's key names, comma between, already checked.
    """
    _changed.clear()
    _changed.update(changed)


def every_action() -> tuple[Action, ...]:
    """All actions with the keys that hold, in registry order."""
    if not _changed:
        return ACTIONS
    return tuple(replace(one, keys=_changed[one.id]) if one.id in _changed else one for one in ACTIONS)


def actions_in(*contexts: Context) -> tuple[Action, ...]:
    """The actions of some contexts with the keys that hold, in registry order."""
    return tuple(action for action in every_action() if action.context in contexts)


def action_of(binding_id: str) -> Action | None:
    """The action that a binding with this id does, with the keys that hold."""
    for action in every_action():
        if binding_id == action.id or (action.method in NUMBERED and binding_id.rpartition(".")[0] == action.id):
            return action
    return None


def bindings_of(*contexts: Context, namespace: str = "") -> list[BindingType]:
    """Textual bindings of some contexts with the registry's own keys, and the action's id for the key map.

    Args:
        contexts: whose actions.
        namespace: ``app.`` for a modal screen, which would otherwise keep the app's keys from working.
    """
    from textual.binding import Binding

    found: list[BindingType] = []
    for action in (action for action in ACTIONS if action.context in contexts):
        if action.method in NUMBERED:
            found += [
                Binding(key, f"{action.method}({key})", action.help, show=False, id=f"{action.id}.{key}")
                for key in action.keys.split(",")
            ]
        else:
            found.append(Binding(action.keys, namespace + action.method, action.help, show=False, id=action.id))
    return found
