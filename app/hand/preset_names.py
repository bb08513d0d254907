"""The names of the presets, for a command line that has yet to be read."""

from __future__ import annotations

from typing import Final

PRESET_NAMES: Final = (
    "lost-reply",
    "stripped-token",
    "stale-address",
    "flipped-firewall",
    "reordered-rounds",
    "remapped-port",
    "dead-relay",
)
"""One rules file each, in `app/hand/presets`."""
