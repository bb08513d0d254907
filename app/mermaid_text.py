"""Text for a Mermaid diagram: whatever could end a statement, start markup or a directive becomes an entity code.

Mermaid takes ``#59;`` for the character with that code point, in decimal.
"""

from __future__ import annotations

from typing import Final

from app.terminal_text import safe_text

_PLAIN: Final = frozenset(" .,:{}()[]/+-_=?!*&@'×·…–—→←✓✗●○≠°")
"""What may stand beside letters and digits. Not ``#;<>"%|`` and no backslash or backtick."""


def mermaid_text(text: str) -> str:
    """`text` in one line, safe after the colon of a message or note, and in a participant's title."""
    return "".join(
        character if character.isalnum() or character in _PLAIN else f"#{ord(character)};"
        for character in safe_text(text)
    )
