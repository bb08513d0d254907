"""Other keys for actions: what a user wrote, checked against the registry.

A change that can't hold is left out with its reason, and the action keeps its keys: an unknown action, something that
is no key, or a key that already does something else where both would be heard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from app.tui.keys.action import NUMBERED, Action, Context
from app.tui.keys.names import key_name, key_text

_BEHIND: Final = (Context.EVERYWHERE, Context.ROWS)
_MAIN: Final = (*_BEHIND, Context.MAIN, Context.FIND, Context.LIVE, Context.OWN_NODE,
                Context.DEMO, Context.INTERCEPTING, Context.BY_HAND)  # fmt: skip
_PAGE: Final = (*_BEHIND, Context.FIND, Context.LINKS, Context.PAGE)
_PACKETS: Final = (*_BEHIND, Context.FIND, Context.PACKET_SCREEN)
_INTERCEPT: Final = (*_BEHIND, Context.FIND, Context.INTERCEPT)

_PLACES: Final[tuple[tuple[Context, ...], ...]] = (
    (*_MAIN, Context.ATTEMPTS),
    (*_MAIN, Context.LADDER),
    (*_MAIN, Context.FIELDS),
    (*_MAIN, Context.BYTES),
    (*_MAIN, Context.LINKS),
    (*_PACKETS, Context.PACKETS),
    (*_PACKETS, Context.FIELDS),
    (*_PACKETS, Context.BYTES),
    (*_BEHIND, Context.DESK),
    (*_INTERCEPT, Context.HELD),
    (*_INTERCEPT, Context.RULES),
    (*_INTERCEPT, Context.LINKS),
    (*_PAGE, Context.TURNING),
    (*_BEHIND, Context.FIND, Context.PAGE, Context.PROBLEMS),
    (*_BEHIND, Context.LINKS, Context.RAW),
    (*_BEHIND, Context.LINKS, Context.NODE),
    (*_BEHIND, Context.LINKS, Context.DEMO_PAGE),
    (*_BEHIND, Context.SETTINGS),
    (*_BEHIND, Context.COLUMNS),
    (*_BEHIND, Context.CHOICE),
    (*_BEHIND, Context.INTERFACES),
)
"""Contexts whose keys are heard at the same time."""


def places(contexts: Sequence[Context]) -> list[tuple[Context, ...]]:
    """Contexts whose keys are heard together; one of no known place is heard with those that are everywhere."""
    known = {context for place in _PLACES for context in place}
    return [*_PLACES, *((Context.EVERYWHERE, context) for context in contexts if context not in known)]


class Rebinding(NamedTuple):
    """Keys that hold, and what could not."""

    keys: Mapping[str, str]
    """Action id to Textual's key names, comma between; only what differs from the registry."""
    faults: tuple[tuple[str, str], ...]
    """Action id as written, and what is wrong."""


def rebind(wanted: Mapping[str, str], actions: Sequence[Action]) -> Rebinding:
    """Check what a user wants against all actions.

    Args:
        wanted: action id to keys as people write them, comma between; empty for none.
        actions: the registry.
    """
    by_id = {action.id: action for action in actions}
    faults: list[tuple[str, str]] = []
    chosen: dict[str, str] = {}
    for id_, text in wanted.items():
        if id_ not in by_id:
            faults.append((id_, f"there is no such action{_near(id_, by_id)}"))
            continue
        names = [key_name(part) for part in split_keys(text)]
        if None in names:
            wrong = split_keys(text)[names.index(None)]
            faults.append((id_, f"{wrong!r} is no key; keys are written v, ?, F9, ctrl+x, escape"))
            continue
        chosen[id_] = ",".join(dict.fromkeys(name for name in names if name))
    while (clash := _clash(chosen, actions)) is not None:
        loser, winner, key = clash
        faults.append(
            (loser, f"{key_text(key)} is the key of {winner} ({by_id[winner].label}), heard at the same place")
        )
        del chosen[loser]
    return Rebinding({id_: keys for id_, keys in chosen.items() if keys != by_id[id_].keys}, tuple(faults))


def split_keys(text: str) -> list[str]:
    """The keys of a comma separated list, in which a comma itself is written ``comma``."""
    return [part.strip() for part in text.split(",") if part.strip()]


def textual_keymap(keys: Mapping[str, str], actions: Sequence[Action]) -> dict[str, str]:
    """The key map for `textual.app.App.set_keymap`: by id of binding, of which a numbered action has several."""
    found: dict[str, str] = {}
    for action in actions:
        if action.id not in keys:
            continue
        new = [key for key in keys[action.id].split(",") if key]
        if action.method not in NUMBERED:
            found[action.id] = ",".join(new) or UNHEARD
            continue
        for index, old in enumerate(action.keys.split(",")):
            found[f"{action.id}.{old}"] = new[index] if index < len(new) else UNHEARD
    return found


UNHEARD: Final = "no-key"
"""A name that no key has: Textual takes an empty list for no change."""


def _clash(chosen: Mapping[str, str], actions: Sequence[Action]) -> tuple[str, str, str] | None:
    """The first change that takes a key from another action: its id, the other's, the key."""
    for place in places([action.context for action in actions]):
        owners: dict[str, list[str]] = {}
        for action in actions:
            if action.context in place:
                for key in chosen.get(action.id, action.keys).split(","):
                    if key:
                        owners.setdefault(key, []).append(action.id)
        for key, ids in owners.items():
            changed = [id_ for id_ in ids if id_ in chosen]
            if len(ids) > 1 and changed:
                loser = changed[-1]
                return loser, next(id_ for id_ in ids if id_ != loser), key
    return None


def _near(id_: str, known: Mapping[str, Action]) -> str:
    from app.config.trouble import nearest

    return nearest(id_, known) or "; `peephole config keys` lists all"
