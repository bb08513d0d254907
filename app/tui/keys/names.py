"""Names of keys: as Textual calls them, as people write them, and as they are shown."""

from __future__ import annotations

import unicodedata
from typing import Final

SHOWN: Final = {
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "⇧Tab",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "insert": "Ins",
    "delete": "Del",
    "backspace": "Bksp",
    **{f"f{number}": f"F{number}" for number in range(1, 25)},
}
"""Keys without a character of their own."""

_MODIFIERS: Final = ("ctrl", "alt", "shift", "super", "meta", "hyper")
_FRIENDLY: Final = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Textual's own words for some characters whose Unicode names are long."""
_NAMED: Final = {
    name: chr(code)
    for code in range(0x21, 0x7F)
    if not chr(code).isalnum()
    for unicode_name in [unicodedata.name(chr(code)).lower().replace("-", "_").replace(" ", "_")]
    for name in [_FRIENDLY.get(unicode_name, unicode_name)]
}
"""Textual's names of the printable characters of ASCII that are no letters or digits."""
_NAME_OF: Final = {character: name for name, character in _NAMED.items()}
_ALIASES: Final = {"esc": "escape", "return": "enter", "del": "delete", "ins": "insert", "pgdn": "pagedown",
                   "pgup": "pageup", "page_down": "pagedown", "page_up": "pageup"}  # fmt: skip


def key_name(written: str) -> str | None:
    """What Textual calls a key that is written ``v``, ``?``, ``F9``, ``ctrl+x`` or ``^X``; None if it is no key."""
    written = written.strip()
    if len(written) == 2 and written[0] == "^" and written[1].isalpha():
        return f"ctrl+{written[1].lower()}"
    if len(written) == 1:
        return _of_character(written)
    *modifiers, last = written.split("+") if not written.endswith("++") else [*written[:-2].split("+"), "+"]
    modifiers = [one.strip().lower() for one in modifiers]
    if any(one not in _MODIFIERS for one in modifiers):
        return None
    last = last.strip()
    if len(last) == 1:
        name = _of_character(last.lower() if "ctrl" in modifiers else last)
    else:
        last = _ALIASES.get(last.lower(), last.lower())
        name = last if last in SHOWN or last in _NAMED else None
    return None if name is None else "+".join((*modifiers, name))


def key_text(keys: str) -> str:
    """Keys as people write them: ``j ↓``, ``^F``, ``1–9``; a dash for none."""
    names = [name for name in keys.split(",") if name]
    if len(names) > 2 and all(name.isdigit() for name in names):
        return f"{names[0]}–{names[-1]}"
    return " ".join(map(_shown, names)) or "–"


def _shown(name: str) -> str:
    if name in SHOWN:
        return SHOWN[name]
    if name in _NAMED:
        return _NAMED[name]
    modifiers, _, last = name.rpartition("+")
    if not modifiers:
        return name
    key = _shown(last)
    key = key.upper() if len(key) == 1 else key
    return f"^{key}" if modifiers == "ctrl" else f"{modifiers}+{key}"


def _of_character(character: str) -> str | None:
    if character == " ":
        return "space"
    if character.isalnum():
        return character
    return _NAME_OF.get(character)
