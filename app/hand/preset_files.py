"""The presets that come with Peephole: rules files of the folder `presets`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from app.hand.preset_names import PRESET_NAMES
from app.hand.rules import Rules, RulesError
from app.hand.rules_reading import parse_rules


@cache
def preset(name: str) -> Rules:
    """The rules of a preset.

    Raises:
        RulesError: there is none of this name.
    """
    if name not in PRESET_NAMES:
        raise RulesError(f"preset {name!r}", f"there is none; there are {', '.join(PRESET_NAMES)}")
    text = files("app.hand.presets").joinpath(f"{name}.toml").read_text("utf-8")
    return parse_rules(text, name)
