"""Themes of our own: for dark and light screens, with strong contrast, in the terminal's own colours, without any."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from textual.theme import Theme

DARK: Final = "peephole-dark"
LIGHT: Final = "peephole-light"
CONTRAST: Final = "peephole-contrast"
ANSI: Final = "peephole-ansi"
"""The sixteen colours of a dark terminal, as its user has set them."""
ANSI_LIGHT: Final = "peephole-ansi-light"
MONO: Final = "peephole-mono"
"""No colours: glyphs, bold, underline, reverse."""


def _ansi(name: str, *, primary: str, accent: str, dark: bool) -> Theme:
    """A theme of the terminal's own colours: those that can be read on its background, whatever they are."""
    ground, ink = ("black", "bright_white") if dark else ("white", "black")
    return Theme(
        name=name,
        ansi=True,
        primary=f"ansi_{primary}",
        secondary="ansi_magenta",
        accent=f"ansi_{accent}",
        warning=f"ansi_{accent}",
        error="ansi_red",
        success="ansi_green",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        dark=dark,
        variables={
            "find": f"ansi_{primary}",
            "sample": "ansi_default",
            "probe": "ansi_magenta",
            "border": "ansi_bright_black" if dark else "ansi_black",
            "border-blurred": "ansi_bright_black",
            "ansi-background": f"ansi_{ground}",
            "ansi-foreground": f"ansi_{ink}",
            "block-cursor-background": f"ansi_{primary}",
            "block-cursor-foreground": f"ansi_{ground}",
            "block-cursor-blurred-background": f"ansi_{primary}",
            "block-cursor-blurred-foreground": f"ansi_{ground}",
            "input-cursor-background": f"ansi_{ink}",
            "input-cursor-foreground": f"ansi_{ground}",
            "input-cursor-text-style": "none",
            "input-selection-background": f"ansi_{primary}",
            "input-selection-foreground": f"ansi_{ground}",
            "screen-selection-background": f"ansi_{primary}",
            "screen-selection-foreground": f"ansi_{ground}",
            "scrollbar": "ansi_bright_black" if dark else "ansi_black",
            "scrollbar-hover": f"ansi_{primary}",
            "scrollbar-active": f"ansi_{primary}",
            "scrollbar-background": "ansi_default",
            "scrollbar-background-hover": "ansi_default",
            "scrollbar-background-active": "ansi_default",
        },
    )


THEMES: Final = (
    Theme(
        name=DARK,
        primary="#6cb6ff",
        secondary="#c4a7f5",
        accent="#ffb454",
        warning="#f2c94c",
        error="#ff7a85",
        success="#7ee08f",
        foreground="#d9e0ea",
        background="#10141b",
        surface="#10141b",
        panel="#1d2531",
        dark=True,
        variables={
            "cursor": "#24476d",
            "cursor-away": "#1d2b3d",
            "find": "#5fd3d9",
            "sample": "#8fb8a8",
            "probe": "#c4a7f5",
            "border": "#3a4759",
            "scrollbar": "#2c3848",
            "scrollbar-background": "#151b24",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#0a5cad",
        secondary="#6f3bb0",
        accent="#9a4d00",
        warning="#7d5a00",
        error="#b01c38",
        success="#1a7034",
        foreground="#20242c",
        background="#fbfaf7",
        surface="#fbfaf7",
        panel="#ebe7de",
        dark=False,
        variables={
            "cursor": "#cfe2f7",
            "cursor-away": "#e9eef3",
            "find": "#00707a",
            "sample": "#46695c",
            "probe": "#6f3bb0",
            "border": "#b9b3a6",
            "scrollbar": "#c9c3b6",
            "scrollbar-background": "#f1eee7",
        },
    ),
    Theme(
        name=CONTRAST,
        primary="#8fd0ff",
        secondary="#e3bcff",
        accent="#ffd166",
        warning="#fff07a",
        error="#ffb3b8",
        success="#9dfcb0",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1a1a1a",
        dark=True,
        variables={
            "cursor": "#003a80",
            "cursor-away": "#333333",
            "find": "#7df9ff",
            "sample": "#c8f0df",
            "probe": "#e3bcff",
            "border": "#a0a0a0",
            "scrollbar": "#c0c0c0",
            "scrollbar-background": "#202020",
        },
    ),
    _ansi(ANSI, primary="cyan", accent="yellow", dark=True),
    _ansi(ANSI_LIGHT, primary="blue", accent="red", dark=False),
    Theme(
        name=MONO,
        primary="#ffffff",
        secondary="#ffffff",
        accent="#ffffff",
        warning="#ffffff",
        error="#ffffff",
        success="#ffffff",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#000000",
        dark=True,
        variables={
            "block-cursor-background": "#ffffff",
            "block-cursor-foreground": "#000000",
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-background": "#ffffff",
            "block-cursor-blurred-foreground": "#000000",
            "block-hover-background": "#000000",
            "input-cursor-background": "#ffffff",
            "input-cursor-foreground": "#000000",
            "input-selection-background": "#ffffff",
            "input-selection-foreground": "#000000",
            "border": "#ffffff",
            "scrollbar": "#ffffff",
            "scrollbar-hover": "#ffffff",
            "scrollbar-active": "#ffffff",
            "scrollbar-background": "#000000",
            "scrollbar-background-hover": "#000000",
            "scrollbar-background-active": "#000000",
        },
    ),
)

SHORT_NAMES: Final[Mapping[str, str]] = {
    "dark": DARK,
    "light": LIGHT,
    "contrast": CONTRAST,
    "ansi": ANSI,
    "mono": MONO,
}
"""What users call our themes, in the order that a key goes through."""


def light_terminal(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal names a light background in ``COLORFGBG``, as rxvt, Konsole and others do."""
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return background.isdigit() and int(background) in (7, 15)


def theme_name(wanted: str, environment: Mapping[str, str] = os.environ) -> str:
    """Textual's name of a theme that a user names; of ``auto`` and ``ansi`` the one that fits the terminal."""
    light = light_terminal(environment)
    if wanted == "auto":
        return LIGHT if light else DARK
    if wanted == "ansi":
        return ANSI_LIGHT if light else ANSI
    return SHORT_NAMES.get(wanted, wanted)


def short_name(theme: str) -> str:
    """What a user calls a theme."""
    return "ansi" if theme == ANSI_LIGHT else {full: short for short, full in SHORT_NAMES.items()}.get(theme, theme)


def no_colours(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the user wants none anywhere: https://no-color.org."""
    return bool(environment.get("NO_COLOR"))
