"""Text from the network, made harmless for a terminal, and measured in terminal cells.

Everything that a capture, a file name or an error message brings passes `safe_text` before it is shown. What could
steer the terminal, reorder the line or hide comes out as a visible escape; ordinary text, wide or not, stays itself.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

ELLIPSIS: Final = "…"

_UNSAFE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me", "Mc"})
"""Control, format (bidi controls, joiners), surrogate, private, unassigned, separators of lines, combining marks."""
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
"""Scripts whose letters make a terminal with bidi support reorder the rest of the line."""
_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\x1b": "\\e", "\0": "\\0"}
_PRINTABLE_ASCII: Final = re.compile(r"[ -~]*\Z")


def safe_text(text: str) -> str:
    """Give `text` with everything that is not plainly visible, left-to-right text written as an escape.

    C0 and C1 controls (so every escape sequence), bidi controls and right-to-left letters, zero-width and combining
    characters, lone surrogates, private and unassigned code points become ``\\n``, ``\\e``, ``\\x9b``, ``\\u202e``,
    ``\\U000e0001``. Applying it twice gives the same text as once.
    """
    if _PRINTABLE_ASCII.match(text):
        return text
    return "".join(_visible(character) for character in text)


def cell_width(text: str) -> int:
    """Terminal cells that `text` (already safe) takes: wide and full-width characters take two."""
    if text.isascii():
        return len(text)
    return sum(map(character_width, text))


def clip(text: str, width: int) -> str:
    """Cut `text` to at most `width` cells, with an ellipsis where something was cut."""
    if cell_width(text) <= width:
        return text
    if width <= 0:
        return ""
    kept: list[str] = []
    left = width - 1
    for character in text:
        left -= character_width(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Clip `text` to `width` cells and fill with blanks up to it, before the text if `right`."""
    if len(text) <= width and text.isascii():
        return text.rjust(width) if right else text.ljust(width)
    text = clip(text, width)
    blanks = " " * (width - cell_width(text))
    return blanks + text if right else text + blanks


@lru_cache(maxsize=4096)
def character_width(character: str) -> int:
    """Cells of one character, as the screens measure it: 2 for wide and full-width ones and most emoji, else 1."""
    if " " <= character <= "~":
        return 1
    from rich.cells import get_character_cell_size

    return get_character_cell_size(character)


@lru_cache(maxsize=4096)
def _visible(character: str) -> str:
    if " " <= character <= "~":
        return character
    short = _SHORT.get(character)
    if short is not None:
        return short
    if (
        unicodedata.category(character) in _UNSAFE_CATEGORIES
        or character_width(character) == 0
        or unicodedata.bidirectional(character) in _RIGHT_TO_LEFT
    ):
        code = ord(character)
        if code <= 0xFF:
            return f"\\x{code:02x}"
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character
