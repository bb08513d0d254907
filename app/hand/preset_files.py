"""The presets that come with Peephole: rules files of the folder `presets`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from app.hand.rules import Rules, RulesError
from app.hand.rules_reading import parse_rules

PRESETS: Final = (
    "lost-reply",
    "stripped-token",
    "stale-address",
    "flipped-firewall",
    "reordered-rounds",
    "remapped-port",
    "dead-relay",
)
"""Names of all presets."""


@cache
def preset(name: str) -> Rules:
    """The rules of a preset.

    Raises:
        RulesError: there is none of this name.
    """
    if name not in PRESETS:
        raise RulesError(f"preset {name!r}", f"there is none; there are {', '.join(PRESETS)}")
    text = files("app.hand.presets").joinpath(f"{name}.toml").read_text("utf-8")
    return parse_rules(text, name)
