"""Names of steps as users write them."""

from __future__ import annotations

from collections.abc import Iterable

from protocol.peer.steps import Act


def acts_of(texts: Iterable[str]) -> frozenset[Act]:
    """The acts that are named, several with commas between.

    Raises:
        ValueError: one is no act; the message says which there are.
    """
    names = {act.name.lower(): act for act in Act}
    found = set()
    for name in (part.strip().lower() for text in texts for part in text.split(",")):
        if name not in names:
            raise ValueError(f"{name!r} is no step; steps are {', '.join(names)}")
        found.add(names[name])
    return frozenset(found)
