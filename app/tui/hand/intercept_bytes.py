"""The bytes of a message as hex, changed by hand; what they say is worked out with every key."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import TextArea

from app.draw.held import said_of
from app.draw.spans import Line, Span, Tone
from app.terminal_text import clip, safe_text
from app.tui.bars import ActionBar, Bar
from app.tui.keys.action import Context
from app.tui.keys.registry import actions_in, bindings_of
from app.wording import counted

if TYPE_CHECKING:
    from app.intercept_status import HeldMessage

ROW: Final = 16
"""Bytes of a line."""
MOST: Final = 65507
"""Bytes that a datagram holds."""
_ODD: Final = re.compile(r"[^0-9a-fA-F\s]")


def bytes_of(text: str) -> bytes:
    """Hex digits with any white space between.

    Raises:
        ValueError: it is something else; the message says what and where.
    """
    odd = _ODD.search(text)
    if odd is not None:
        line = text.count("\n", 0, odd.start()) + 1
        raise ValueError(f"line {line}: {odd[0]!r} is no hex digit")
    digits = "".join(text.split())
    if len(digits) % 2:
        raise ValueError(f"{counted(len(digits), 'digit')}: the last byte has one digit")
    if len(digits) > 2 * MOST:
        raise ValueError(f"{len(digits) // 2} bytes are more than a datagram holds")
    return bytes.fromhex(digits)


def hex_text(data: bytes) -> str:
    """Rows of hex digits, a blank between bytes."""
    return "\n".join(data[start : start + ROW].hex(" ") for start in range(0, len(data), ROW))


class Meaning(Bar):
    """What the bytes say, or why they are none."""

    def __init__(self) -> None:
        super().__init__(id="meaning")
        self._text, self._good = "", True

    def show(self, text: str, *, good: bool) -> None:
        """Say it."""
        self._text, self._good = safe_text(text), good
        self.refresh()

    def line(self) -> Line:
        """A sign and words."""
        tone = Tone.GOOD if self._good else Tone.BAD
        return (Span(clip(f" {'✓' if self._good else '✗'} {self._text}", self.size.width), tone),)


class Heading(Bar):
    """What is edited."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def line(self) -> Line:
        """The text."""
        return (Span(clip(self._text, self.size.width), Tone.STRONG),)


class BytesScreen(ModalScreen[bytes | None], inherit_bindings=False):
    """Closes with the bytes, or None."""

    BINDINGS: ClassVar = [*bindings_of(Context.HEX), *bindings_of(Context.EVERYWHERE, namespace="app.")]

    DEFAULT_CSS = """
    BytesScreen { align: center middle; }
    BytesScreen > Vertical { width: 76; max-width: 100%; height: 80%; background: $background;
        border: round $border; padding: 0 1; }
    BytesScreen TextArea { height: 1fr; border: none; padding: 0; background: $panel; }
    BytesScreen TextArea:focus { border: none; }
    """

    def __init__(self, held: HeldMessage) -> None:
        super().__init__()
        self._held = held

    def compose(self) -> ComposeResult:
        """What it is, the digits, what they say, keys."""
        with Vertical():
            yield Heading(f"bytes of #{self._held.number}")
            yield TextArea(hex_text(self._held.now.data), id="digits", soft_wrap=True, compact=True)
            yield Meaning()
            yield ActionBar()

    def on_mount(self) -> None:
        """Write."""
        self.query_one(TextArea).focus()
        self.query_one(ActionBar).show(actions_in(Context.HEX))
        self._judge()

    def on_text_area_changed(self) -> None:
        """Say what the bytes are."""
        self._judge()

    def action_keep(self) -> None:
        """Take them, if they are bytes."""
        data = self._judge()
        if data is not None:
            self.dismiss(data)

    def action_cancel(self) -> None:
        """Leave the message as it was."""
        self.dismiss(None)

    def _judge(self) -> bytes | None:
        meaning = self.query_one(Meaning)
        try:
            data = bytes_of(self.query_one(TextArea).text)
        except ValueError as error:
            meaning.show(str(error), good=False)
            return None
        said = said_of(replace(self._held.now, data=data), self._held.opener)
        meaning.show(f"{counted(len(data), 'byte')}: {said}", good=True)
        return data
