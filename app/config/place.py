"""Where the configuration file is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "PEEPHOLE_CONFIG"


def config_path(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Path of the file, which need not be there.

    It is the one that ``PEEPHOLE_CONFIG`` names (set to nothing: no file at all), else ``peephole/config.toml`` below
    ``XDG_CONFIG_HOME``, else below ``~/.config``.
    """
    named = environment.get(VARIABLE)
    if named is not None:
        return Path(named).expanduser() if named else None
    home = environment.get("XDG_CONFIG_HOME", "")
    # The specification of XDG: a relative path is to be ignored.
    folder = Path(home) if os.path.isabs(home) else Path(environment.get("HOME") or "~").expanduser() / ".config"
    return folder / "peephole" / "config.toml"
