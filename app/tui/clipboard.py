"""Whether a copy arrives: terminals take it by an escape sequence (OSC 52) that none of them answers."""

from __future__ import annotations

import os
from collections.abc import Mapping


def copied(what: str, environment: Mapping[str, str] = os.environ) -> str:
    """What to say after something was sent to the clipboard of the terminal.

    Args:
        what: such as ``report``.
        environment: variables in which terminals say what they are.
    """
    trouble = clipboard_trouble(environment)
    if trouble:
        return f"The {what} may not be in the clipboard: {trouble}. F2 and ctrl+e take it elsewhere."
    return f"The {what} is in the clipboard, if this terminal takes OSC 52."


def clipboard_trouble(environment: Mapping[str, str] = os.environ) -> str:
    """Why this terminal is known not to take a copy, or to need a setting; empty if nothing is known against it."""
    terminal, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if terminal in {"linux", "dumb", "vt100", "vt220"}:
        return f"a terminal of type {terminal} has none"
    if program == "Apple_Terminal":
        return "Terminal.app has no way to reach it"
    if environment.get("TMUX"):
        return "tmux hands it on only with `set -g set-clipboard on`"
    if environment.get("STY"):
        return "screen does not hand it on"
    if environment.get("VTE_VERSION", "").isdigit() and int(environment["VTE_VERSION"]) < 7600:
        return "this version of the terminal (VTE) does not take OSC 52"
    return ""
