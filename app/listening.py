"""What a user chooses of interfaces, and among whom that can open them."""

from __future__ import annotations

from typing import NamedTuple


class Listening(NamedTuple):
    """What the user decided."""

    interfaces: tuple[str, ...]
    promiscuous: bool
    opener: str
    """Program that opens them; empty for ourselves."""


class Openers(NamedTuple):
    """Who can open an interface."""

    names: tuple[str, ...]
    """Programs; an empty one is ourselves. The first is the one to begin with."""
    said: tuple[str, ...] = ()
    """What is to be said of permissions, or why the last choice failed; not yet safe for a terminal."""
